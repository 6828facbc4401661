"""Puts many mutants into one build. An environment variable chooses one of them when the tests run.

A function with mutants keeps its signature. Its body becomes a choice between the original body and copies of it, each
with one mutant. So one build serves for a hundred mutants, and a test binary tries one after another.
"""

import bisect
import re

#: Names the mutant that acts, by its number. Without it, the program is the original one.
VARIABLE = 'MUTANT'
#: Names a file, for a run of the original: which test reaches which mutant's function, a line each.
REACHED = 'MUTANTS_REACHED'
#: Before the crate. Its tests find what these lints refuse to build.
ALLOW = '#![allow(warnings, unconditional_panic, arithmetic_overflow)]\n'
#: After the crate: the switch. Each test has a thread of its own, with its name.
SWITCH = f'''
#[doc(hidden)]
#[allow(warnings, clippy::all)]
pub mod mutant_switch {{
    use std::collections::HashSet;
    use std::io::Write;
    use std::sync::{{LazyLock, Mutex}};

    static CHOSEN: LazyLock<Option<u32>> =
        LazyLock::new(|| std::env::var("{VARIABLE}").ok().and_then(|text| text.parse().ok()));
    static REACHED: LazyLock<Option<Mutex<std::fs::File>>> = LazyLock::new(|| {{
        let path = std::env::var_os("{REACHED}")?;
        Some(Mutex::new(std::fs::OpenOptions::new().create(true).append(true).open(path).unwrap()))
    }});
    thread_local! {{
        static KNOWN: std::cell::RefCell<HashSet<u32>> = std::cell::RefCell::new(HashSet::new());
    }}

    pub fn is(number: u32) -> bool {{
        if let Some(file) = &*REACHED {{
            if KNOWN.try_with(|known| known.borrow_mut().insert(number)).unwrap_or(true) {{
                let thread = std::thread::current();
                let line = format!("{{number}} {{}}\\n", thread.name().unwrap_or("?"));
                file.lock().unwrap().write_all(line.as_bytes()).unwrap();
            }}
        }}
        *CHOSEN == Some(number)
    }}
}}
'''
TOKEN = re.compile(r'''
    //[^\n]* | /\*.*?\*/ | (?:b|c)?r(\#*)".*?"\1 | (?:b|c)?"(?:\\.|[^"\\])*" | b?'(?:\\[^u]|\\u\{[0-9a-fA-F]+\}|[^'\\])' | '\w+
    | [A-Za-z_]\w* | .''', re.VERBOSE | re.DOTALL)


class Text:
    """A source file; places are lines and columns from 1."""

    def __init__(self, text):
        self.text = text
        self.starts = [0, *(at.end() for at in re.finditer('\n', text))]

    def offset(self, place):
        return self.starts[place[0] - 1] + place[1] - 1

    def line(self, offset):
        return bisect.bisect_right(self.starts, offset)

    def body(self, function):
        """Where the body of a function begins and ends, without its braces; and where `const` stands before it."""
        start, end = (self.offset(place) for place in function)
        depth, named, constant = 0, False, None
        for token in TOKEN.finditer(self.text, start, end):
            word = token[0]
            if word in '([':
                depth += 1
            elif word in ')]':
                depth -= 1
            elif depth == 0 and word == 'const' and not named:
                constant = token.span()
            elif depth == 0 and word == 'fn':
                named = True
            elif depth == 0 and named and word == '{':
                return token.end(), end - 1, constant
        return None


def mutated(source, mutant):
    """The text of the file with this mutant alone."""
    text = Text(source)
    start, end = (text.offset(place) for place in mutant.span)
    return f'{source[:start]}{mutant.replacement} {source[end:]}'


def fits(source, mutant):
    """Whether this mutant can be one of many. Two copies of a body have different types where the signature names none."""
    return bool(mutant.function) and _choice(mutant.returns) is not None and Text(source).body(mutant.function) is not None


def _choice(returns):
    """What stands around the copies of a body, and around each: an iterator without a name is put into a box."""
    if 'impl ' not in returns:
        return '', '', '', ''
    named = re.fullmatch(r'-> impl (Iterator\s*<.*>)(?: \+ use\s*<[^>]*>)?', returns)
    return named and (f"let chosen: Box<dyn {named[1]} + '_> = ", '; chosen', 'Box::new({', '})')


def switched(source, numbered):
    """The text of the file with all these mutants, [(number, mutant)]; and where each is: [(first line, last line, number)].

    Mutants of a function inside another one with mutants are left out.
    """
    text, functions = Text(source), {}
    for number, mutant in numbered:
        functions.setdefault((*text.body(mutant.function), mutant.returns), []).append((number, mutant))
    parts, places, at, line = [], [], 0, 1

    def put(part):
        nonlocal line
        parts.append(part)
        line += part.count('\n')

    for (*body, constant, returns), mutants in sorted(functions.items(), key=lambda item: item[0][0]):
        if body[0] < at:
            continue
        before, after, opened, closed = _choice(returns)
        # A constant function cannot read the environment.
        constant = constant or (body[0], body[0])
        put(source[at:constant[0]] + source[constant[1]:body[0]] + before)
        for number, mutant in mutants:
            put(f'if crate::mutant_switch::is({number}) {{ {opened}\n')
            start, end = (text.offset(place) for place in mutant.span)
            first = line
            put(f'{source[body[0]:start]}{mutant.replacement} {source[end:body[1]]}')
            places.append((first, line, number))
            put(f'\n{closed} }} else ')
        put(f'{{ {opened}\n{source[body[0]:body[1]]}\n{closed} }}{after}')
        at = body[1]
    put(source[at:])
    return ''.join(parts), places
