/// Times contestants in turns, so that whatever else the machine does falls on all of them.
struct Contest {
    /// One that is timed. It repeats its work as often as it is told.
    struct Contestant {
        var name: String
        var run: (Int) async throws -> Void

        init(_ name: String, _ run: @escaping (Int) async throws -> Void) {
            self.name = name
            self.run = run
        }
    }

    /// What the rounds of one contestant took, each divided by its repetitions, in nanoseconds.
    struct Times {
        let rounds: [Double]

        var median: Double { rounds.sorted()[rounds.count / 2] }

        /// Half of the rounds lie this close to the median, as a part of it.
        var spread: Double {
            let median = median
            return rounds.map { abs($0 - median) / median }.sorted()[rounds.count / 2]
        }

        var summary: String { "\(median.short) ns ±\((spread * 100).short) %" }
    }

    var rounds: Int
    /// How long one contestant's part of a round is.
    var length: Duration = .milliseconds(150)

    /// Times the contestants, after a round that counts for nothing.
    func times(_ contestants: [Contestant]) async throws -> [Times] {
        var counts: [Int] = []
        for contestant in contestants { counts.append(try await repetitions(of: contestant)) }
        var times = [[Double]](repeating: [], count: contestants.count)
        for round in 0...rounds {
            // Nobody is always the one who comes after somebody else.
            for offset in contestants.indices {
                let index = (offset + round) % contestants.count
                let taken = try await time(contestants[index], counts[index])
                if round > 0 { times[index].append(taken / Double(counts[index])) }
            }
        }
        return times.map(Times.init)
    }

    /// How often a contestant has to repeat its work to fill its part of a round.
    private func repetitions(of contestant: Contestant) async throws -> Int {
        var count = 1
        while true {
            let taken = try await time(contestant, count)
            if taken * 8 >= length.nanoseconds { return max(1, Int(Double(count) * length.nanoseconds / taken)) }
            count *= 4
        }
    }

    private func time(_ contestant: Contestant, _ count: Int) async throws -> Double {
        let start = ContinuousClock.now
        try await contestant.run(count)
        return (ContinuousClock.now - start).nanoseconds
    }
}

extension Duration {
    var nanoseconds: Double { self / .nanoseconds(1) }
}
