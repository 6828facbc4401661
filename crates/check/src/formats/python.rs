//! Reads Django settings without running them.
//!
//! In: the text of a settings file, and what earlier files have set. Out: its assignments in the order in
//! which they would be made, each with a value if that can be known. What cannot be known is
//! [`Value::Unknown`], about which no rule may claim anything.

pub mod fold;

use std::collections::BTreeMap;

use ruff_python_ast::{ElifElseClause, Expr, ExprCall, ExprSubscript, Operator, Stmt, StmtIf, StmtImportFrom, StmtTry};
use ruff_python_parser::{Mode, ParseOptions, parse_unchecked};
use ruff_text_size::{Ranged, TextSize};

use crate::formats::python::fold::{add, csp_source, updated};

/// The known value of an expression.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    Text(String),
    Number(i64),
    Bool(bool),
    None,
    /// A list, tuple or set.
    List(Vec<Value>),
    /// A dict with texts as keys.
    Dict(BTreeMap<String, Value>),
    Unknown,
}

impl Value {
    /// A text, if it is one.
    pub fn text(&self) -> Option<&str> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }

    /// The texts of a list if every item is known.
    pub fn texts(&self) -> Option<Vec<&str>> {
        if let Self::List(items) = self { items.iter().map(Self::text).collect() } else { None }
    }

    /// The value of a dict's key.
    pub fn get(&self, key: &str) -> Option<&Self> {
        if let Self::Dict(entries) = self { entries.get(key) } else { None }
    }

    /// Python's truth value.
    pub fn truth(&self) -> Option<bool> {
        match self {
            Self::Text(text) => Some(!text.is_empty()),
            Self::Number(number) => Some(*number != 0),
            Self::Bool(value) => Some(*value),
            Self::None => Some(false),
            Self::List(items) => Some(!items.is_empty()),
            Self::Dict(entries) => Some(!entries.is_empty()),
            Self::Unknown => None,
        }
    }
}

/// One `NAME = value`.
#[derive(Clone, Debug, PartialEq)]
pub struct SettingAssignment {
    pub name: String,
    pub value: Value,
    /// From 1.
    pub line: usize,
    /// Whether it is always made when the file runs.
    pub certain: bool,
    /// The environment variable on which it depends. The value is the one without that variable.
    pub variable: Option<String>,
}

/// What a settings file does.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DjangoSettings {
    pub assignments: Vec<SettingAssignment>,
    /// Line and reason, if Python refuses the file.
    pub error: Option<(usize, String)>,
    /// Line and reason, if it certainly ends in an exception there. What is above has taken effect.
    pub raises: Option<(usize, String)>,
    /// Names, and their lines, that somebody wanted to set but did not: a key of a dict, a local variable,
    /// `NAME == value`, `NAME: value`.
    pub unset: Vec<(String, usize)>,
    /// Names that would be set with another value of an environment variable, and that variable.
    pub skipped: Vec<(String, String)>,
    /// What may assign any name, and the lines.
    pub open: Vec<(Opening, usize)>,
}

/// What may assign any name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Opening {
    /// A star import of this module.
    Star(String),
    /// A name that is computed, as in `globals()[name] = value`, or `exec()`.
    Computed,
}

/// Larger files are not settings files.
const MOST_BYTES: usize = 1 << 20;

/// Reads a file. `known` has what the files before it have set, and afterwards also what this one has. `inherited`: the
/// names that are there in addition; none if that is not known.
pub fn read(text: &str, known: &mut BTreeMap<String, Value>, inherited: Option<&[&str]>) -> DjangoSettings {
    if text.len() > MOST_BYTES {
        return DjangoSettings {
            error: Some((1, "larger than any settings file".into())),
            ..DjangoSettings::default()
        };
    }
    if let Some(at) = text.find(char::REPLACEMENT_CHARACTER) {
        let line = text[..at].matches('\n').count() + 1;
        return DjangoSettings {
            error: Some((line, "it is not UTF-8, but Horizon reads it as UTF-8".into())),
            ..DjangoSettings::default()
        };
    }
    let parsed = parse_unchecked(text, ParseOptions::from(Mode::Module));
    let mut run = Run {
        text,
        known,
        inherited,
        settings: DjangoSettings::default(),
        certain: true,
        guarded: false,
        variable: None,
        dependent: BTreeMap::new(),
    };
    if let Some(error) = parsed.errors().first() {
        run.settings.error = Some((run.line(error.location.start()), error.error.to_string()));
        return run.settings;
    }
    if let Some(module) = parsed.syntax().as_module() {
        run.all(&module.body);
    }
    run.settings
}

/// `sys.exit(…)`, `exit(…)`.
fn is_exit(expression: &Expr) -> bool {
    let Expr::Call(call) = expression else { return false };
    match call.func.as_ref() {
        Expr::Name(name) => matches!(name.id.as_str(), "exit" | "quit"),
        Expr::Attribute(own) => {
            own.attr.as_str() == "exit" && own.value.as_name_expr().is_some_and(|own| own.id == "sys")
        }
        _ => false,
    }
}

/// `globals()`, or at the outermost level `locals()` and `vars()`.
fn is_namespace(expression: &Expr) -> bool {
    let Expr::Call(call) = expression else { return false };
    call.arguments.is_empty()
        && call.func.as_name_expr().is_some_and(|name| matches!(name.id.as_str(), "globals" | "locals" | "vars"))
}

struct Run<'a> {
    text: &'a str,
    known: &'a mut BTreeMap<String, Value>,
    inherited: Option<&'a [&'a str]>,
    settings: DjangoSettings,
    /// Statements here always run when the file runs.
    certain: bool,
    /// An exception here is caught.
    guarded: bool,
    /// The environment variable that the statement asks for, or one around it.
    variable: Option<String>,
    /// Names whose values depend on environment variables.
    dependent: BTreeMap<String, String>,
}

impl Run<'_> {
    fn line(&self, at: TextSize) -> usize {
        let before = self.text.get(..at.to_usize()).unwrap_or(self.text);
        before.bytes().filter(|b| *b == b'\n').count() + 1
    }

    fn all(&mut self, body: &[Stmt]) {
        for statement in body {
            if self.settings.raises.is_some() {
                return;
            }
            let outside = self.variable.clone();
            self.statement(statement);
            self.variable = outside;
        }
    }

    /// A body that may or may not run.
    fn perhaps(&mut self, body: &[Stmt]) {
        let before = std::mem::replace(&mut self.certain, false);
        self.all(body);
        self.certain = before;
    }

    fn statement(&mut self, statement: &Stmt) {
        let line = self.line(statement.start());
        match statement {
            _ if self.stops(statement, line) => {}
            Stmt::Assign(assign) => {
                if let Expr::Dict(dict) = assign.value.as_ref() {
                    dict.items.iter().filter_map(|item| item.key.as_ref()).for_each(|key| self.unset(key));
                }
                let value = self.fold(&assign.value, 0);
                assign.targets.iter().for_each(|target| self.assign(target, &value, line));
            }
            Stmt::AnnAssign(assign) => {
                if let Some(value) = &assign.value {
                    let value = self.fold(value, 0);
                    self.assign(&assign.target, &value, line);
                } else {
                    self.unset(&assign.target);
                }
            }
            Stmt::AugAssign(assign) => {
                if let Expr::Name(name) = assign.target.as_ref() {
                    self.needs(name.id.as_str(), line);
                }
                let (old, more) = (self.fold(&assign.target, 0), self.fold(&assign.value, 0));
                let value = match assign.op {
                    Operator::Add => add(old, more),
                    Operator::BitOr => updated(Some(old), more),
                    _ => Value::Unknown,
                };
                self.assign(&assign.target, &value, line);
            }
            Stmt::If(branch) => self.branch(branch),
            Stmt::Try(attempt) => self.attempt(attempt),
            Stmt::With(with) => self.all(&with.body),
            Stmt::For(each) => {
                self.assign(&each.target, &Value::Unknown, line);
                self.perhaps(&each.body);
            }
            Stmt::Import(import) => import.names.iter().for_each(|alias| {
                let name = alias.asname.as_ref().unwrap_or(&alias.name).as_str();
                self.set(name.split('.').next().unwrap_or(name), Value::Unknown, line);
            }),
            Stmt::ImportFrom(import) => self.import_from(import, line),
            Stmt::FunctionDef(function) => {
                self.locals(&function.body);
                self.set(function.name.as_str(), Value::Unknown, line);
            }
            Stmt::ClassDef(class) => {
                self.locals(&class.body);
                self.set(class.name.as_str(), Value::Unknown, line);
            }
            Stmt::While(each) => self.perhaps(&each.body),
            Stmt::Delete(delete) => delete.targets.iter().for_each(|t| self.assign(t, &Value::Unknown, line)),
            Stmt::Expr(expression) => {
                if let Expr::Compare(compared) = expression.value.as_ref() {
                    self.unset(&compared.left);
                }
                self.call(&expression.value, line);
            }
            _ => {}
        }
    }

    fn branch(&mut self, branch: &StmtIf) {
        let clauses = &branch.elif_else_clauses;
        match self.fold(&branch.test, 0).truth() {
            Some(true) => {
                for clause in clauses {
                    self.skipped(&clause.body);
                }
                self.all(&branch.body);
            }
            Some(false) => {
                self.skipped(&branch.body);
                self.otherwise(clauses);
            }
            None => {
                self.perhaps(&branch.body);
                for clause in clauses {
                    self.perhaps(&clause.body);
                }
            }
        }
    }

    fn attempt(&mut self, attempt: &StmtTry) {
        let before = std::mem::replace(&mut self.guarded, true);
        self.all(&attempt.body);
        self.guarded = before;
        for handler in &attempt.handlers {
            let ruff_python_ast::ExceptHandler::ExceptHandler(handler) = handler;
            self.perhaps(&handler.body);
        }
        self.perhaps(&attempt.orelse);
        self.all(&attempt.finalbody);
    }

    fn import_from(&mut self, import: &StmtImportFrom, line: usize) {
        for alias in &import.names {
            let name = alias.asname.as_ref().unwrap_or(&alias.name).as_str();
            // What a star import adds is unknown, so from here on any name may be defined.
            self.guarded |= name == "*";
            if name == "*" {
                let dots = ".".repeat(import.level as usize);
                let module = import.module.as_ref().map(ToString::to_string).unwrap_or_default();
                self.settings.open.push((Opening::Star(dots + &module), line));
            }
            let of_csp = import.module.as_ref().is_some_and(|module| module.as_str() == "csp.constants");
            let known = csp_source(alias.name.as_str()).filter(|_| of_csp);
            self.set(name, known.map_or(Value::Unknown, |text| Value::Text(text.to_owned())), line);
        }
    }

    /// Whether a statement ends the file. Bodies of functions are not read.
    fn stops(&mut self, statement: &Stmt, line: usize) -> bool {
        match statement {
            Stmt::Raise(_) => self.raise(line, "raises an exception".into()),
            Stmt::Assert(assertion) if self.fold(&assertion.test, 0).truth() == Some(false) => {
                self.raise(line, "has an assertion that fails".into());
            }
            Stmt::Return(_) => {
                self.settings.error.get_or_insert((line, "'return' outside function".into()));
            }
            Stmt::Expr(expression) if is_exit(&expression.value) => self.raise(line, "ends Python".into()),
            _ => return false,
        }
        true
    }

    fn unset(&mut self, name: &Expr) {
        let line = self.line(name.start());
        match name {
            Expr::Name(name) => self.settings.unset.push((name.id.to_string(), line)),
            Expr::StringLiteral(text) => self.settings.unset.push((text.value.to_str().to_owned(), line)),
            _ => {}
        }
    }

    /// A body that would run with another value of an environment variable.
    fn skipped(&mut self, body: &[Stmt]) {
        let Some(variable) = self.variable.clone() else { return };
        let assigned = body.iter().filter_map(Stmt::as_assign_stmt).flat_map(|assign| &assign.targets);
        for name in assigned.filter_map(Expr::as_name_expr) {
            self.settings.skipped.push((name.id.to_string(), variable.clone()));
        }
    }

    /// What a function or class assigns is its own.
    fn locals(&mut self, body: &[Stmt]) {
        let assigned =
            body.iter().filter_map(|s| if let Stmt::Assign(assign) = s { Some(&assign.targets) } else { None });
        assigned.flatten().for_each(|target| self.unset(target));
    }

    /// The rest of an `if` whose first test is false.
    fn otherwise(&mut self, clauses: &[ElifElseClause]) {
        for (at, clause) in clauses.iter().enumerate() {
            match clause.test.as_ref().map_or(Some(true), |test| self.fold(test, 0).truth()) {
                Some(true) => return self.all(&clause.body),
                Some(false) => {}
                None => return clauses[at..].iter().for_each(|clause| self.perhaps(&clause.body)),
            }
        }
    }

    fn raise(&mut self, line: usize, why: String) {
        if self.certain && !self.guarded {
            self.settings.raises.get_or_insert((line, why));
        }
    }

    fn assign(&mut self, target: &Expr, value: &Value, line: usize) {
        match target {
            // A statement that raised an exception has assigned nothing.
            _ if self.settings.raises.is_some() => {}
            Expr::Name(name) => self.set(name.id.as_str(), value.clone(), line),
            Expr::Tuple(tuple) => tuple.elts.iter().for_each(|t| self.assign(t, &Value::Unknown, line)),
            Expr::List(list) => list.elts.iter().for_each(|t| self.assign(t, &Value::Unknown, line)),
            Expr::Subscript(item) => self.assign_item(item, value, line),
            _ => {}
        }
    }

    /// `NAME['key'] = value`. If no file has set the name, this changes Horizon's own default, of which
    /// only this key is then known.
    fn assign_item(&mut self, item: &ExprSubscript, value: &Value, line: usize) {
        let mut outermost = item.value.as_ref();
        while let Expr::Subscript(inner) = outermost {
            outermost = &inner.value;
        }
        if is_namespace(outermost) {
            match item.slice.as_ref() {
                Expr::StringLiteral(key) if item.value.is_call_expr() => {
                    self.set(key.value.to_str(), value.clone(), line);
                }
                _ => self.settings.open.push((Opening::Computed, line)),
            }
            return;
        }
        let Expr::Name(name) = outermost else { return };
        let name = name.id.as_str();
        self.needs(name, line);
        if self.settings.raises.is_some() {
            return;
        }
        let key = match item.slice.as_ref() {
            Expr::StringLiteral(key) if item.value.is_name_expr() => key.value.to_str().to_owned(),
            _ if self.known.contains_key(name) => return self.set(name, Value::Unknown, line),
            _ => return,
        };
        let more = Value::Dict(BTreeMap::from([(key, value.clone())]));
        self.set(name, updated(self.known.get(name).cloned(), more), line);
    }

    /// Python ends where something of a setting is changed that nothing has set.
    fn needs(&mut self, name: &str, line: usize) {
        let is_setting = !name.contains(|c: char| c.is_ascii_lowercase());
        let is_there = |all: &[&str]| all.contains(&name) || self.known.contains_key(name);
        if is_setting && self.inherited.is_some_and(|all| !is_there(all)) {
            self.raise(line, format!("the name {name} is not defined"));
        }
    }

    fn set(&mut self, name: &str, value: Value, line: usize) {
        let known = if self.certain { value.clone() } else { Value::Unknown };
        self.known.insert(name.to_owned(), known);
        let variable = self.variable.clone();
        match &variable {
            Some(variable) => self.dependent.insert(name.to_owned(), variable.clone()),
            None => self.dependent.remove(name),
        };
        let certain = self.certain;
        self.settings.assignments.push(SettingAssignment { name: name.to_owned(), value, line, certain, variable });
    }

    /// `NAME.append(x)`, `NAME.extend([x])` and `NAME.update({'key': x})`.
    fn call(&mut self, expression: &Expr, line: usize) {
        let Expr::Call(call) = expression else { return };
        if call.func.as_name_expr().is_some_and(|function| function.id == "exec") {
            self.settings.open.push((Opening::Computed, line));
        }
        let Expr::Attribute(method) = call.func.as_ref() else { return };
        if is_namespace(&method.value) {
            match (method.attr.as_str(), self.entries(call)) {
                ("update", Value::Dict(entries)) => {
                    for (name, value) in entries {
                        self.set(&name, value, line);
                    }
                }
                _ => self.settings.open.push((Opening::Computed, line)),
            }
            return;
        }
        let Expr::Name(name) = method.value.as_ref() else { return };
        let name = name.id.as_str();
        if matches!(method.attr.as_str(), "append" | "extend" | "update") {
            self.needs(name, line);
        }
        let old = self.known.get(name).cloned();
        let value = match (&old, method.attr.as_str()) {
            (Some(list @ Value::List(_)), name) => {
                let more = match (name, call.arguments.args.as_ref()) {
                    ("append", [item]) => Value::List(vec![self.fold(item, 0)]),
                    ("extend", [list]) => self.fold(list, 0),
                    _ => Value::Unknown,
                };
                add(list.clone(), more)
            }
            (None | Some(Value::Dict(_)), "update") => updated(old, self.entries(call)),
            // Some of the other methods change a dict.
            (Some(Value::Dict(_)), _) => Value::Unknown,
            _ => return,
        };
        self.set(name, value, line);
    }

    /// The arguments of `update`.
    fn entries(&mut self, call: &ExprCall) -> Value {
        let mut entries = Value::Dict(BTreeMap::new());
        for argument in &call.arguments.args {
            let more = self.fold(argument, 0);
            entries = updated(Some(entries), more);
        }
        for keyword in &call.arguments.keywords {
            let value = self.fold(&keyword.value, 0);
            let more = keyword.arg.as_ref().map(|name| Value::Dict(BTreeMap::from([(name.to_string(), value)])));
            entries = updated(Some(entries), more.unwrap_or(Value::Unknown));
        }
        entries
    }
}
