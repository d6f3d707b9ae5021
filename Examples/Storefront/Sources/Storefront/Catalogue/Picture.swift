/// The products' pictures: SVG elements, coloured by the style sheet so that they follow the theme.
enum Picture {
    static let cards = picture {
        for (x, y, shade) in [(44, 12, "paper-3"), (34, 24, "paper-2"), (24, 36, "paper-1")] {
            "<path class='\(shade) line' d='M\(x) \(y + 10)l10-10h82v62h-92z'/>"
        }
        for row in 0..<5 {
            for column in 0..<11 where (column * 7 + row * row * 5 + row) % 4 == 0 {
                "<rect class='ink' x='\(34 + column * 7)' y='\(52 + row * 8)' width='3' height='5'/>"
            }
        }
    }

    static let gear = picture {
        for tooth in 0..<12 {
            "<path class='brass line' transform='rotate(\(tooth * 30) 80 60)' d='M73 26l2.5-12h9l2.5 12z'/>"
        }
        "<circle class='brass line' cx='80' cy='60' r='36'/>"
        "<circle class='brass-2 line' cx='80' cy='60' r='26'/>"
        for spoke in 0..<5 {
            "<path class='brass line' transform='rotate(\(spoke * 72) 80 60)' d='M77 52l-1-17h8l-1 17z'/>"
        }
        "<circle class='brass line' cx='80' cy='60' r='10'/><circle class='ground line' cx='80' cy='60' r='4'/>"
    }

    static let valve = picture {
        "<path class='metal line' d='M60 88h40v14l-4 6H64l-4-6z'/>"
        for pin in 0..<4 { "<path class='bare' d='M\(68 + pin * 8) 109v6'/>" }
        "<circle class='glow' cx='80' cy='56' r='30'/>"
        "<path class='glass line' d='M60 88V38c0-15 8-24 16-26l4-6 4 6c8 2 16 11 16 26v50z'/>"
        "<path class='metal line' d='M70 40h20v36H70z'/>"
        "<path class='hot' d='M80 34v46M75 46h10M75 54h10M75 62h10M75 70h10'/>"
        "<path class='line' d='M72 76v12M88 76v12M66 32h28'/>"
        "<path class='shine' d='M66 82V40c0-8 3-14 7-18'/>"
    }

    static let core = picture {
        "<rect class='wood line' x='34' y='12' width='92' height='96' rx='4'/>"
        "<rect class='ground line' x='44' y='22' width='72' height='76'/>"
        for wire in 0..<5 {
            "<path class='wire' d='M\(52 + wire * 14) 16v88M38 \(32 + wire * 14)h84'/>"
        }
        for row in 0..<5 {
            for column in 0..<5 {
                let turn = (row + column).isMultiple(of: 2) ? 45 : -45
                let place = "translate(\(52 + column * 14) \(32 + row * 14)) rotate(\(turn))"
                "<ellipse class='ring' transform='\(place)' rx='5' ry='3'/>"
            }
        }
    }

    static let tape = picture {
        "<circle class='paper-2 line' cx='62' cy='58' r='42'/>"
        for radius in [36, 30, 24] { "<circle class='thin' cx='62' cy='58' r='\(radius)'/>" }
        "<circle class='accent line' cx='62' cy='58' r='17'/><circle class='ground line' cx='62' cy='58' r='6'/>"
        "<path class='paper-1 line' d='M62 78h86v24H70c-6 0-8-2-8-6z'/>"
        for column in 0..<9 {
            for row in 0..<5 where (column * 5 + row * 3 + column * row) % 3 != 1 {
                "<circle class='ink' cx='\(76 + column * 8)' cy='\(82 + row * 4)' r='\(row == 2 ? "0.8" : "1.5")'/>"
            }
        }
    }

    static let logbook = picture {
        "<path class='cover line' d='M26 20h108v86H26z'/>"
        "<path class='paper-1 line' d='M80 22c-14-6-32-6-48-3v78c16-3 34-3 48 3z'/>"
        "<path class='paper-1 line' d='M80 22c14-6 32-6 48-3v78c-16-3-34-3-48 3z'/>"
        for ruled in 0..<7 { "<path class='thin' d='M40 \(34 + ruled * 8)c10-1.5 22-1.5 32 1'/>" }
        "<path class='metal line' d='M104 60c-8-14-17-12-17-5 0 5 6 9 12 9-5 3-6 10-1 11 4 0 6-4 6-8z'/>"
        "<path class='metal line' d='M104 60c8-14 17-12 17-5 0 5-6 9-12 9 5 3 6 10 1 11-4 0-6-4-6-8z'/>"
        "<path class='line' d='M104 56v18M104 56l-4-7M104 56l4-7'/>"
        "<path class='scotch' transform='rotate(-12 104 44)' d='M88 39h32v9H88z'/>"
        "<path class='thin' d='M92 86c8-1 16-1 24 0'/>"
    }

    static let rule = picture {
        "<g transform='rotate(-20 80 60)'>"
        "<rect class='wood line' x='10' y='40' width='140' height='40' rx='2'/>"
        "<rect class='paper-1 line' x='26' y='52' width='132' height='16'/>"
        for tick in 0..<25 {
            let x = 18 + tick * 5
            let length = tick.isMultiple(of: 5) ? 8 : 4
            "<path class='tick' d='M\(x) 52v-\(length)M\(x) 68v\(length)M\(x + 12) 52v\(length - 1)'/>"
        }
        "<rect class='glass line' x='84' y='35' width='24' height='50' rx='2'/><path class='hot' d='M96 35v50'/></g>"
    }

    static let rotor = picture {
        "<path class='metal line' d='M58 18h32c16 0 28 19 28 42s-12 42-28 42H58z'/>"
        "<ellipse class='metal-2 line' cx='58' cy='60' rx='27' ry='42'/>"
        "<ellipse class='ground line' cx='58' cy='60' rx='20' ry='33'/>"
        for (x, y) in contacts { "<circle class='brass line' cx='\(x)' cy='\(y)' r='3'/>" }
        "<ellipse class='metal line' cx='58' cy='60' rx='6' ry='9'/>"
        for (index, letter) in ["N", "O", "P", "Q", "R"].enumerated() {
            "<text class='letter' x='\([101, 104, 105, 104, 101][index])' y='\(34 + index * 15)'>\(letter)</text>"
        }
    }

    /// Eight places around the rotor's face.
    private static let contacts = [
        (58, 33), (69, 41), (74, 60), (69, 79), (58, 87), (47, 79), (42, 60), (47, 41),
    ]

    private static func picture(@Strokes _ strokes: () -> String) -> String {
        // The product's name stands beside it, so a screen reader has nothing to read here.
        "<svg viewBox='0 0 160 120' aria-hidden='true'>\(strokes())</svg>"
    }

    /// Joins elements.
    @resultBuilder
    private enum Strokes {
        static func buildExpression(_ element: String) -> String { element }
        static func buildBlock(_ elements: String...) -> String { elements.joined() }
        static func buildArray(_ elements: [String]) -> String { elements.joined() }
        static func buildOptional(_ element: String?) -> String { element ?? "" }
    }
}
