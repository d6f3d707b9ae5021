/// Mints and parses the credentials of one realm, and derives what belongs to them.
///
/// Made once for a manager. Every HMAC in it has its key and the realm absorbed already; a use copies it, which halves
/// the cost of a code.
package struct CredentialCodec: Sendable, Redacted {
    private struct Key: Sendable {
        let id: KeyID
        let credential: PrekeyedHMAC
        let successor: PrekeyedHMAC
        let csrf: PrekeyedHMAC
        let log: PrekeyedHMAC

        init(_ key: RingKey, realm: [UInt8]) {
            func absorbed(_ purpose: KeyPurpose) -> PrekeyedHMAC {
                var keyed = PrekeyedHMAC(key: key.key(for: purpose))
                realm.withUnsafeBytes { keyed.update($0) }
                return keyed
            }
            id = key.id
            credential = absorbed(.credential)
            successor = absorbed(.successor)
            csrf = absorbed(.csrf)
            log = absorbed(.log)
        }
    }

    /// In the order of the ring.
    private let keys: [Key]

    package init(keys ring: KeyRing, realm: Realm) {
        var prefixed: [UInt8] = []
        prefixed.appendLengthPrefixed(realm.bytes)
        keys = ring.keys.map { Key($0, realm: prefixed) }
    }

    /// The text of a credential, under the first key: 112 characters of base64url.
    package func mint(handle: SessionHandle, secret: CredentialSecret) -> String {
        withUnsafeTemporaryAllocation(byteCount: Credential.byteCount, alignment: 8) { bytes in
            bytes[0] = Credential.version
            bytes.slice(Credential.keyID).copyBytes(from: keys[0].id.bytes)
            handle.withUnsafeBytes { bytes.slice(Credential.handle).copyMemory(from: $0) }
            secret.withUnsafeBytes { bytes.slice(Credential.secret).copyMemory(from: $0) }
            let message = UnsafeRawBufferPointer(bytes.slice(Credential.authenticated))
            keys[0].credential.code { $0.update(message) }
                .withUnsafeBytes { bytes.slice(Credential.code).copyMemory(from: $0) }
            return Base64URL.encode(UnsafeRawBufferPointer(bytes))
        }
    }

    /// What the cookie value `text` is.
    ///
    /// At most one code is computed, however many keys there are: the key id says under which. A key id is public, so
    /// looking it up needs no constant time; the code is compared in constant time.
    package func parse(_ text: UnsafeRawBufferPointer) -> CredentialParse {
        guard text.count == Credential.textCount else { return .malformed }
        return withUnsafeTemporaryAllocation(byteCount: Credential.byteCount, alignment: 8) { buffer in
            guard Base64URL.decode(text, into: buffer), buffer[0] == Credential.version else { return .malformed }
            let bytes = UnsafeRawBufferPointer(buffer)
            let id = KeyID(bytes[1], bytes[2], bytes[3])
            guard let index = keys.firstIndex(where: { $0.id == id }) else { return .unverifiable }
            let code = keys[index].credential.code { $0.update(bytes.slice(Credential.authenticated)) }
            guard code == Bytes32(copying: bytes.slice(Credential.code)) else { return .unverifiable }
            return .genuine(
                PresentedCredential(
                    handle: SessionHandle(Bytes16(copying: bytes.slice(Credential.handle))),
                    secret: CredentialSecret(Bytes32(copying: bytes.slice(Credential.secret))),
                    isUnderFirstKey: index == 0
                )
            )
        }
    }

    /// What the cookie value `text` is.
    package func parse(_ text: some Collection<UInt8>) -> CredentialParse {
        text.withContiguousStorageIfAvailable { parse(UnsafeRawBufferPointer($0)) }
            ?? Array(text).withUnsafeBytes { parse($0) }
    }

    /// The secrets that may follow `secret` in a rotation with a grace: one for each key, in the order of the ring.
    ///
    /// The first one is what a rotation writes. A request that was overtaken by a rotation looks for the one whose hash
    /// is the record's current one: the rotation may have been made under another first key.
    package func successors(
        of secret: CredentialSecret,
        nonce: Nonce,
        handle: SessionHandle
    ) -> [CredentialSecret] {
        keys.map { key in
            let code = key.successor.code { keyed in
                secret.withUnsafeBytes { keyed.update($0) }
                nonce.withUnsafeBytes { keyed.update($0) }
                handle.withUnsafeBytes { keyed.update($0) }
            }
            return CredentialSecret(code)
        }
    }

    /// The CSRF secret of the session at `handle`: what its tokens are made with.
    package func csrfSecret(handle: SessionHandle, nonce: Nonce) -> Bytes32 {
        csrfSecret(under: keys[0], handle: handle, nonce: nonce)
    }

    /// The CSRF secrets that its tokens may have been made with: one for each key, in the order of the ring.
    package func csrfSecrets(handle: SessionHandle, nonce: Nonce) -> [Bytes32] {
        keys.map { csrfSecret(under: $0, handle: handle, nonce: nonce) }
    }

    private func csrfSecret(under key: Key, handle: SessionHandle, nonce: Nonce) -> Bytes32 {
        key.csrf.code { keyed in
            handle.withUnsafeBytes { keyed.update($0) }
            nonce.withUnsafeBytes { keyed.update($0) }
        }
    }

    /// The pseudonym of a handle that logs carry, under the first key: 16 hexadecimal digits.
    ///
    /// It ties the lines of one session together, until the ring gets a new first key, and leads nobody without the key
    /// back to the handle.
    package func logTag(_ handle: SessionHandle) -> String {
        let code = keys[0].log.code { keyed in handle.withUnsafeBytes { keyed.update($0) } }
        return String(unsafeUninitializedCapacity: 16) { digits in
            code.withUnsafeBytes { bytes in
                for index in 0..<8 {
                    digits[2 * index] = Hexadecimal.digit(bytes[index] >> 4)
                    digits[2 * index + 1] = Hexadecimal.digit(bytes[index] & 0xF)
                }
            }
            return 16
        }
    }
}

extension UnsafeRawBufferPointer {
    fileprivate func slice(_ range: Range<Int>) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(rebasing: self[range])
    }
}

extension UnsafeMutableRawBufferPointer {
    fileprivate func slice(_ range: Range<Int>) -> UnsafeMutableRawBufferPointer {
        UnsafeMutableRawBufferPointer(rebasing: self[range])
    }
}
