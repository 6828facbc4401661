//! Where code looks at a `Reason` to decide something.

use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens;
use syn::visit::{self, Visit};
use syn::{BinOp, ExprBinary, ExprMethodCall, Item, Macro, Pat};

use crate::sources::is_test;

/// Comparisons with a value of `Reason`, and patterns of it, as they are written. Tests are left out.
pub fn compared(file: &syn::File) -> Vec<String> {
    let mut found = Found::default();
    found.visit_file(file);
    found.0
}

#[derive(Default)]
struct Found(Vec<String>);

impl Found {
    fn add_if(&mut self, reads: bool, code: &impl ToTokens) {
        if reads {
            self.0.push(code.to_token_stream().to_string());
        }
    }
}

impl<'ast> Visit<'ast> for Found {
    fn visit_item(&mut self, item: &'ast Item) {
        if !is_test(item) {
            visit::visit_item(self, item);
        }
    }

    fn visit_expr_binary(&mut self, code: &'ast ExprBinary) {
        let compares = matches!(code.op, BinOp::Eq(_) | BinOp::Ne(_));
        self.add_if(compares && (is_reason(&code.left) || is_reason(&code.right)), code);
        visit::visit_expr_binary(self, code);
    }

    fn visit_expr_method_call(&mut self, code: &'ast ExprMethodCall) {
        self.add_if(code.method == "contains" && is_reason(&code.receiver), code);
        visit::visit_expr_method_call(self, code);
    }

    fn visit_pat(&mut self, pattern: &'ast Pat) {
        self.add_if(names_a_reason(pattern.to_token_stream()), pattern);
    }

    fn visit_macro(&mut self, code: &'ast Macro) {
        self.add_if(code.path.is_ident("matches") && names_a_reason(code.tokens.clone()), code);
    }
}

/// Whether an operand is a reason, or is built of one.
fn is_reason(operand: &syn::Expr) -> bool {
    match operand {
        syn::Expr::Path(path) => names_a_reason(path.to_token_stream()),
        syn::Expr::Reference(of) => is_reason(&of.expr),
        syn::Expr::Paren(of) => is_reason(&of.expr),
        syn::Expr::Call(call) => call.args.iter().any(is_reason),
        syn::Expr::Array(of) => of.elems.iter().any(is_reason),
        syn::Expr::Tuple(of) => of.elems.iter().any(is_reason),
        _ => false,
    }
}

/// Whether there is a `Reason::…` in it.
fn names_a_reason(tokens: TokenStream) -> bool {
    let mut before = String::new();
    tokens.into_iter().any(|token| {
        let last = std::mem::replace(&mut before, token.to_string());
        match token {
            TokenTree::Punct(colon) => colon.as_char() == ':' && last == "Reason",
            TokenTree::Group(group) => names_a_reason(group.stream()),
            TokenTree::Ident(_) | TokenTree::Literal(_) => false,
        }
    })
}
