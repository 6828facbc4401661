"""The check must be able to fail: each rule is broken once here, and each exemption is used once."""

import unittest

import check
import text


class Words(unittest.TestCase):
    def faults(self, name, content):
        return [fault for _, fault in check.judge(name, content)]

    def test_banned_word_in_each_kind_of_file(self):
        for name, content in {
            "a.md": "# Title\n\nNo upload shall fail.\n",
            "a.rs": "/// No upload shall fail.\nfn f() {}\n",
            "b.rs": "fn f() {\n    // No upload\n    // shall fail.\n}\n",
            "a.yaml": "# No upload shall fail.\na: 1\n",
            "b.yaml": "rules:\n  - description: >-\n      No upload\n      shall fail.\n",
            "a.json": '{\n"title": "No upload shall fail"\n}\n',
        }.items():
            self.assertEqual(len(self.faults(name, content)), 1, name)

    def test_every_line_of_the_list_compiles_and_says_what_to_write(self):
        self.assertTrue(all(instead for _, instead in check.BANNED))
        self.assertGreater(len(check.BANNED), 20)

    def test_code_is_no_prose(self):
        self.assertEqual(self.faults("a.md", "`shall`\n\n```sh\nshall\n```\n\n<!-- run\nshall\n-->\n"), [])
        self.assertEqual(self.faults("a.rs", 'fn f() { let shall = "shall"; }\n//! ```\n//! shall\n//! ```\n'), [])

    def test_generated_tables_are_checked_where_they_come_from(self):
        self.assertEqual(self.faults("a.md", "<!-- generated:x -->\n\n| shall |\n\n<!-- /generated -->\n"), [])

    def test_a_word_inside_another_is_allowed(self):
        self.assertEqual(self.faults("a.md", "The shallow copy retold it; let-go.\n"), [])

    def test_long_sentence(self):
        words = "Word" + " word" * 30
        self.assertEqual(len(self.faults("a.md", f"{words}.\n")), 1)
        self.assertEqual(self.faults("a.md", f"{words[:-5]}. {words[:-5]}.\n"), [])
        self.assertEqual(len(self.faults("a.md", f"| a | {words}. |\n")), 1)
        self.assertEqual(self.faults("a.rs", f"// {words}.\n"), [], "comments are not measured")

    def test_code_in_a_sentence_is_one_word(self):
        self.assertEqual(text.length(text.passages("a.md", "Run `a b c d` now.\n")[0][1]), 3)

    def test_a_chain_of_arrows_is_one_word(self):
        chain = ' → '.join(['`room`'] * 40)
        self.assertEqual(text.length(text.passages("a.md", f"The order is {chain}.\n")[0][1]), 4)

    def test_texts_in_code(self):
        code = '\n\nfn f() {\n    // "No upload shall fail"\n    bail!("no upload \\\n         shall fail");\n}\n'
        self.assertEqual([line for line, _ in check.words(text.strings(code))], [5])

    def test_line_numbers(self):
        self.assertEqual([line for line, _ in check.judge("a.md", "a\n\nb\n\n- c\n- we shall\n")], [6])

    def test_spelling(self):
        folder = check.ROOT / "target"
        folder.mkdir(exist_ok=True)
        page = folder / "words-self-test.md"
        page.write_text("This sentense is recieved.\n", encoding="utf-8")
        try:
            self.assertEqual(len(check.spelling([str(page)])), 2)
        finally:
            page.unlink()


if __name__ == "__main__":
    unittest.main(argv=["tests/words"], verbosity=0)
