#if Redis
import Crypto
import Sessions
import SessionsRedisCodec

/// A script that a server keeps under its hash.
///
/// Each works on one key, so that it runs on a cluster, and each writes only once it has made sure that it may. A server
/// that does not have it (`NOSCRIPT`: it is new, was restarted, or took over) gets its text with the next command.
struct RedisScript: Sendable {
    let text: [UInt8]
    let hash: [UInt8]

    init(_ text: String) {
        self.text = Array(text.utf8)
        hash = Array(Hexadecimal.encode(Array(Insecure.SHA1.hash(data: self.text))).utf8)
    }

    func byHash(_ key: [UInt8], _ arguments: [[UInt8]]) -> RedisCommand {
        RedisCommand([Array("EVALSHA".utf8), hash, Array("1".utf8), key] + arguments, key: key)
    }

    func byText(_ key: [UInt8], _ arguments: [[UInt8]]) -> RedisCommand {
        RedisCommand([Array("EVAL".utf8), text, Array("1".utf8), key] + arguments, key: key)
    }
}

extension RedisScript {
    /// Whether one moment of sixteen digits is earlier than another. In halves: a script's numbers hold 53 bits, and its
    /// order of strings is a locale's.
    private static let earlier = """
        local function earlier(a, b)
          local x, y = tonumber(string.sub(a, 1, 8), 16), tonumber(string.sub(b, 1, 8), 16)
          if x ~= y then return x < y end
          return tonumber(string.sub(a, 9, 16), 16) < tonumber(string.sub(b, 9, 16), 16)
        end

        """

    /// The server's time in milliseconds.
    private static let clock = """
        local time = redis.call('TIME')
        local now = time[1] * 1000 + math.floor(time[2] / 1000)

        """

    /// Writes something that changes nothing, so that the `WAIT` after it covers what others have written to the key: since
    /// Redis 7.2, a `WAIT` covers what its own connection has written, and nothing else. What is somebody else's is left alone.
    private static let marking = """
        local function mark()
          if redis.call('EXISTS', KEYS[1]) == 0 then
            redis.call('SET', KEYS[1], '', 'PX', 1000)
            redis.call('DEL', KEYS[1])
          elseif redis.call('GETRANGE', KEYS[1], 0, 2) == 's1 ' then
            redis.call('SETRANGE', KEYS[1], 0, 's')
          end
        end

        """

    /// A script, and the same for where replicas confirm: there, an answer that it has not written is confirmed too.
    private static func pair(_ text: (_ mark: String) -> String) -> (plain: RedisScript, confirmed: RedisScript) {
        (RedisScript(text("")), RedisScript(marking + text("mark() ")))
    }

    /// `version, record, expires at, owner's end`: 1 replaced, 0 gone, 2 the owner's index comes first, or the record that
    /// is there. With an owner's end of 0 the index is not asked about.
    static let replace = pair { mark in
        """
        local current = redis.call('GET', KEYS[1])
        if not current then \(mark)return 0 end
        if string.sub(current, 1, 3) ~= 's1 ' or string.sub(current, 4, 19) ~= ARGV[1] then \(mark)return current end
        local last = tonumber(ARGV[4])
        if last > 0 and string.sub(current, 38, last) ~= string.sub(ARGV[2], 38, last) then \(mark)return 2 end
        redis.call('SET', KEYS[1], ARGV[2], 'PXAT', ARGV[3])
        return 1
        """
    }

    /// `version, idle deadline, skew allowance`: 1 moved or later already, 0 gone or changed.
    static let touch = RedisScript(
        earlier + """
            local head = redis.call('GETRANGE', KEYS[1], 0, 53)
            if string.sub(head, 1, 3) ~= 's1 ' or string.sub(head, 4, 19) ~= ARGV[1] then return 0 end
            if not earlier(string.sub(head, 21, 36), ARGV[2]) then return 1 end
            local ends = string.sub(head, 38, 53)
            if earlier(ARGV[2], ends) then ends = ARGV[2] end
            local micros = (tonumber(string.sub(ends, 1, 8), 16) - 2147483648) * 4294967296
              + tonumber(string.sub(ends, 9, 16), 16)
            redis.call('SETRANGE', KEYS[1], 20, ARGV[2])
            redis.call('PEXPIREAT', KEYS[1],
              string.format('%.0f', math.max(math.ceil(micros / 1000) + tonumber(ARGV[3]), 1)))
            return 1
            """
    )

    /// `version`: 1 deleted, 0 not.
    static let deleteVersion = pair { mark in
        """
        local head = redis.call('GETRANGE', KEYS[1], 0, 18)
        if string.sub(head, 1, 3) ~= 's1 ' or string.sub(head, 4, 19) ~= ARGV[1] then \(mark)return 0 end
        return redis.call('DEL', KEYS[1])
        """
    }

    /// `owner's field`: 1 deleted, 0 not.
    static let deleteOwned = pair { mark in
        """
        if redis.call('GETRANGE', KEYS[1], 0, 2) ~= 's1 ' then \(mark)return 0 end
        if redis.call('GETRANGE', KEYS[1], 54, 53 + string.len(ARGV[1])) ~= ARGV[1] then \(mark)return 0 end
        return redis.call('DEL', KEYS[1])
        """
    }

    /// A delete whose `WAIT` also covers a deletion by somebody else: 1 deleted, 0 nothing there.
    static let deleteConfirmed = RedisScript(
        """
        if redis.call('DEL', KEYS[1]) == 1 then return 1 end
        redis.call('SET', KEYS[1], '', 'PX', 1000)
        redis.call('DEL', KEYS[1])
        return 0
        """
    )

    /// A load whose `WAIT` covers everything that was written to the key before.
    static let loadConfirmed = RedisScript(marking + "mark() return redis.call('GET', KEYS[1])")

    /// `member, score, time to be pending, skew allowance`: adds a record's key to its owner's index; some members to look
    /// at if there are many.
    static let index = RedisScript(
        clock + """
            redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', '(' .. string.format('%.0f', now - tonumber(ARGV[4])))
            redis.call('ZADD', KEYS[1], ARGV[2], ARGV[1])
            redis.call('ZADD', KEYS[1], string.format('%.0f', now + tonumber(ARGV[3])), '~' .. ARGV[1])
            local last = redis.call('ZRANGE', KEYS[1], -1, -1, 'WITHSCORES')
            redis.call('PEXPIREAT', KEYS[1], string.format('%.0f', math.max(tonumber(last[2]) + tonumber(ARGV[4]), 1)))
            if redis.call('ZCARD', KEYS[1]) > 64 then return redis.call('ZRANDMEMBER', KEYS[1], 4) end
            return {}
            """
    )

    /// `member…`: takes members out of an owner's index, but none whose record may be on its way.
    static let trim = RedisScript(
        clock + """
            for _, member in ipairs(ARGV) do
              local pending = redis.call('ZSCORE', KEYS[1], '~' .. member)
              if not pending or tonumber(pending) < now then redis.call('ZREM', KEYS[1], member, '~' .. member) end
            end
            return 1
            """
    )

    /// `epoch, kept until, skew allowance`: raises an owner's epoch, and how long it is kept.
    static let raiseEpoch = RedisScript(
        earlier + """
            local epoch, ends = ARGV[1], ARGV[2]
            local current = redis.call('GET', KEYS[1])
            if current then
              if earlier(epoch, string.sub(current, 1, 16)) then epoch = string.sub(current, 1, 16) end
              if earlier(ends, string.sub(current, 18, 33)) then ends = string.sub(current, 18, 33) end
            end
            local micros = (tonumber(string.sub(ends, 1, 8), 16) - 2147483648) * 4294967296
              + tonumber(string.sub(ends, 9, 16), 16)
            redis.call('SET', KEYS[1], epoch .. ' ' .. ends, 'PXAT',
              string.format('%.0f', math.max(math.ceil(micros / 1000) + tonumber(ARGV[3]), 1)))
            return 1
            """
    )

    /// The owner's epoch, with everything that was written to the key before covered by `WAIT`.
    static let loadEpochConfirmed = RedisScript(
        """
        local current = redis.call('GET', KEYS[1])
        if not current then
          redis.call('SET', KEYS[1], '', 'PX', 1000)
          redis.call('DEL', KEYS[1])
          return false
        end
        redis.call('SETRANGE', KEYS[1], 0, string.sub(current, 1, 1))
        return current
        """
    )
}
#endif
