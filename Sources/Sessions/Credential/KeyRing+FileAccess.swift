#if canImport(Darwin)
import Darwin
#elseif canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

extension KeyRing {
    /// Who may have rights to a file of secrets.
    public enum FileAccess: Sendable, Hashable {
        /// Its owner alone: modes such as 0600 and 0400.
        case owner

        /// Its owner; and its group, to read it: modes such as 0640 and 0440.
        ///
        /// For a file that belongs to somebody else and is handed to the process by its group, as Kubernetes does with
        /// a secret when the pod has an `fsGroup`. Whoever is in that group can forge sessions: it should be this
        /// process's alone.
        case ownerAndGroup

        /// The mode bits that nobody may have.
        var refusedRights: mode_t {
            switch self {
            case .owner: 0o077
            case .ownerAndGroup: 0o037
            }
        }

        /// To whom a refused file is open.
        var strangers: String {
            switch self {
            case .owner: "more than its owner"
            case .ownerAndGroup: "more than its owner, and its group for reading"
            }
        }

        /// What to do about it.
        var advice: String {
            switch self {
            case .owner:
                "Change that with `chmod 600`; in Kubernetes, give the volume `defaultMode: 0400`. If the process "
                    + "reads it as a member of its group, say KeyRing(file:access: .ownerAndGroup)."
            case .ownerAndGroup: "Change that with `chmod 640`; in Kubernetes, give the volume `defaultMode: 0440`."
            }
        }
    }
}
