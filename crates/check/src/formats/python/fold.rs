//! The known value of an expression, by constant folding.

use std::collections::BTreeMap;

use ruff_python_ast::{BoolOp, Expr, ExprBinOp, Number, Operator, UnaryOp};
use ruff_text_size::{Ranged, TextSize};

use crate::formats::python::{Run, Value};

/// No person writes deeper expressions.
const MOST_DEEP: usize = 64;

/// Words that people write who know other languages; as Python names they are undefined.
const WORDS: [&str; 11] = ["true", "false", "null", "none", "yes", "no", "on", "off", "direct", "legacy", "undefined"];

/// `CSP`, or `csp.CSP`.
fn is_csp(expression: &Expr) -> bool {
    match expression {
        Expr::Name(name) => name.id.as_str() == "CSP",
        Expr::Attribute(own) => own.attr.as_str() == "CSP",
        _ => false,
    }
}

/// What Django 6 calls `CSP.NAME` (`django/utils/csp.py`), and django-csp 4 `NAME` of `csp.constants`.
pub(super) fn csp_source(name: &str) -> Option<&'static str> {
    Some(match name {
        "NONE" => "'none'",
        "SELF" => "'self'",
        "STRICT_DYNAMIC" => "'strict-dynamic'",
        "UNSAFE_EVAL" => "'unsafe-eval'",
        "UNSAFE_HASHES" => "'unsafe-hashes'",
        "UNSAFE_INLINE" => "'unsafe-inline'",
        "WASM_UNSAFE_EVAL" => "'wasm-unsafe-eval'",
        "REPORT_SAMPLE" => "'report-sample'",
        // The middleware writes another text there.
        "NONCE" => "'nonce-'",
        _ => return None,
    })
}

impl Run<'_> {
    pub fn fold(&mut self, expression: &Expr, depth: usize) -> Value {
        if depth > MOST_DEEP {
            return Value::Unknown;
        }
        let deeper = depth + 1;
        match expression {
            Expr::StringLiteral(text) => Value::Text(text.value.to_str().to_owned()),
            Expr::BooleanLiteral(value) => Value::Bool(value.value),
            Expr::NoneLiteral(_) => Value::None,
            Expr::NumberLiteral(number) => match &number.value {
                Number::Int(int) => int.as_i64().map_or(Value::Unknown, Value::Number),
                _ => Value::Unknown,
            },
            Expr::List(list) => Value::List(list.elts.iter().map(|item| self.fold(item, deeper)).collect()),
            Expr::Tuple(tuple) => Value::List(tuple.elts.iter().map(|item| self.fold(item, deeper)).collect()),
            Expr::Set(set) => Value::List(set.elts.iter().map(|item| self.fold(item, deeper)).collect()),
            Expr::Dict(dict) => {
                let entry = |item: &ruff_python_ast::DictItem| match self.fold(item.key.as_ref()?, deeper) {
                    Value::Text(key) => Some((key, self.fold(&item.value, deeper))),
                    _ => None,
                };
                dict.items.iter().map(entry).collect::<Option<_>>().map_or(Value::Unknown, Value::Dict)
            }
            Expr::Name(name) => self.name(name.id.as_str(), expression.start()),
            Expr::BinOp(operation) if operation.op == Operator::Add => {
                let (left, right) = (self.fold(&operation.left, deeper), self.fold(&operation.right, deeper));
                add(left, right)
            }
            Expr::BinOp(operation) => self.divided(operation, deeper),
            Expr::BoolOp(operation) => {
                let decides = operation.op == BoolOp::Or;
                let mut last = Value::Unknown;
                for value in &operation.values {
                    last = self.fold(value, deeper);
                    match last.truth() {
                        Some(truth) if truth == decides => return last,
                        Some(_) => {}
                        None => return Value::Unknown,
                    }
                }
                last
            }
            Expr::UnaryOp(operation) if operation.op == UnaryOp::Not => {
                self.fold(&operation.operand, deeper).truth().map_or(Value::Unknown, |truth| Value::Bool(!truth))
            }
            Expr::If(choice) => match self.fold(&choice.test, deeper).truth() {
                Some(true) => self.fold(&choice.body, deeper),
                Some(false) => self.fold(&choice.orelse, deeper),
                None => Value::Unknown,
            },
            Expr::Call(call) => {
                let arguments: Vec<Value> = call.arguments.args.iter().map(|a| self.fold(a, deeper)).collect();
                self.value_of_call(&call.func, &arguments, deeper)
            }
            Expr::Attribute(own) if is_csp(&own.value) => {
                csp_source(own.attr.as_str()).map_or(Value::Unknown, |text| Value::Text(text.to_owned()))
            }
            _ => Value::Unknown,
        }
    }

    /// `a / b` and the like: only whether it ends Python.
    fn divided(&mut self, operation: &ExprBinOp, depth: usize) -> Value {
        let (left, right) = (self.fold(&operation.left, depth), self.fold(&operation.right, depth));
        let divides = matches!(operation.op, Operator::Div | Operator::FloorDiv | Operator::Mod);
        if divides && matches!((left, right), (Value::Number(_), Value::Number(0))) {
            let line = self.line(operation.start());
            self.raise(line, "divides by zero".into());
        }
        Value::Unknown
    }

    fn name(&mut self, name: &str, at: TextSize) -> Value {
        if let Some(value) = self.known.get(name) {
            if let Some(variable) = self.dependent.get(name) {
                self.variable = Some(variable.clone());
            }
            return value.clone();
        }
        if WORDS.contains(&name) {
            let line = self.line(at);
            self.raise(line, format!("the name {name} is not defined; a string needs quotes"));
        }
        Value::Unknown
    }

    /// A variable that the environment does not set has its default. Also a text's simple methods.
    fn value_of_call(&mut self, function: &Expr, arguments: &[Value], depth: usize) -> Value {
        let Expr::Attribute(method) = function else { return Value::Unknown };
        let environment = match method.value.as_ref() {
            Expr::Attribute(environ) => environ.attr.as_str() == "environ" && method.attr.as_str() == "get",
            Expr::Name(name) => {
                let (object, attribute) = (name.id.as_str(), method.attr.as_str());
                (object, attribute) == ("os", "getenv") || (object, attribute) == ("environ", "get")
            }
            _ => false,
        };
        if environment {
            self.variable = arguments.first().and_then(Value::text).map(str::to_owned);
            return if arguments.is_empty() {
                Value::Unknown
            } else {
                arguments.get(1).cloned().unwrap_or(Value::None)
            };
        }
        match (self.fold(&method.value, depth), method.attr.as_str(), arguments) {
            (Value::Text(text), "lower", []) => Value::Text(text.to_lowercase()),
            (Value::Text(text), "upper", []) => Value::Text(text.to_uppercase()),
            (Value::Text(text), "strip", []) => Value::Text(text.trim().to_owned()),
            (Value::Text(text), "split", [Value::Text(by)]) if !by.is_empty() => {
                Value::List(text.split(by.as_str()).map(|part| Value::Text(part.to_owned())).collect())
            }
            _ => Value::Unknown,
        }
    }
}

/// `a + b`.
pub fn add(a: Value, b: Value) -> Value {
    match (a, b) {
        (Value::Text(a), Value::Text(b)) => Value::Text(a + &b),
        (Value::Number(a), Value::Number(b)) => a.checked_add(b).map_or(Value::Unknown, Value::Number),
        (Value::List(mut a), Value::List(b)) => {
            a.extend(b);
            Value::List(a)
        }
        // Something unknown was added, so the list has changed.
        (Value::List(mut a), Value::Unknown) => {
            a.push(Value::Unknown);
            Value::List(a)
        }
        _ => Value::Unknown,
    }
}

/// The value of `a` after the entries of `b` are added. If no file has set it, it is one of Horizon's own;
/// then only the added entries are known.
pub fn updated(a: Option<Value>, b: Value) -> Value {
    match (a.unwrap_or_else(|| Value::Dict(BTreeMap::new())), b) {
        (Value::Dict(mut a), Value::Dict(b)) => {
            a.extend(b);
            Value::Dict(a)
        }
        _ => Value::Unknown,
    }
}
