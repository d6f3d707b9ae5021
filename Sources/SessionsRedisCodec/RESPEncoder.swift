/// Writes commands: arrays of strings, the same in both versions of the protocol.
package enum RESPEncoder {
    /// Appends the command to `output`.
    package static func write(_ arguments: [[UInt8]], to output: inout [UInt8]) {
        output.append(UInt8(ascii: "*"))
        write(arguments.count, to: &output)
        for argument in arguments {
            output.append(UInt8(ascii: "$"))
            write(argument.count, to: &output)
            output.append(contentsOf: argument)
            output.append(UInt8(ascii: "\r"))
            output.append(UInt8(ascii: "\n"))
        }
    }

    private static func write(_ count: Int, to output: inout [UInt8]) {
        if count < 10 {
            output.append(UInt8(ascii: "0") + UInt8(count))
        } else {
            output.append(contentsOf: String(count).utf8)
        }
        output.append(UInt8(ascii: "\r"))
        output.append(UInt8(ascii: "\n"))
    }
}
