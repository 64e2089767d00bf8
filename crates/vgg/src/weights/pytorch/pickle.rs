//! What reading a pickle would hold in memory, found without reading it: one byte of a pickle makes an
//! object of a hundred, and a deflated one packs a thousand of these bytes into one of the file.

use std::collections::HashMap;
use std::io::{self, BufRead};

use super::read::{broken, bytes, index, line, skip};
use super::weight::{Budget, MOST_DEPTH, PLACE, Weight};

/// The reader's stack and memo, with weights in the places of objects.
struct Scan<'a> {
    stack: Vec<Weight>,
    marks: Vec<usize>,
    memo: HashMap<u32, Weight>,
    budget: &'a mut Budget,
}

/// Follows one pickle up to its end, and gives the last class that it names. A pickle that is broken is an
/// error here as it would be for the reader.
pub(super) fn scan(source: &mut impl BufRead, budget: &mut Budget) -> io::Result<String> {
    let mut scan = Scan {
        stack: Vec::new(),
        marks: Vec::new(),
        memo: HashMap::new(),
        budget,
    };
    let mut class = String::new();
    loop {
        let [op] = bytes(source)?;
        match op {
            b'.' => return Ok(class),
            b'c' => {
                let module = line(source)?;
                let name = line(source)?;
                let length = (module.len() + name.len()) as u64;
                class = name;
                scan.push(Weight::class(length))?;
            }
            _ => scan.step(op, source)?,
        }
    }
}

impl Scan<'_> {
    fn push(&mut self, weight: Weight) -> io::Result<()> {
        if weight.depth > MOST_DEPTH {
            return Err(broken(format!(
                "its pickle nests deeper than {MOST_DEPTH} levels"
            )));
        }
        // Where tensors end up under one long key, their names may outgrow the file.
        self.budget
            .spend(weight.bytes.saturating_add(weight.names))?;
        self.stack.push(weight);
        Ok(())
    }

    fn pop(&mut self) -> io::Result<Weight> {
        let above = self
            .marks
            .last()
            .is_none_or(|&mark| self.stack.len() > mark);
        let top = if above { self.stack.pop() } else { None };
        let top =
            top.ok_or_else(|| broken("its pickle takes a value that is not there".to_owned()))?;
        self.budget.left += top.bytes + top.names;
        Ok(top)
    }

    fn pop_to_mark(&mut self) -> io::Result<Vec<Weight>> {
        let mark = self.marks.pop();
        let mark = mark.ok_or_else(|| broken("its pickle lacks a mark".to_owned()))?;
        self.budget.left += PLACE;
        let items = self.stack.split_off(mark.min(self.stack.len()));
        let freed: u64 = items.iter().map(|item| item.bytes + item.names).sum();
        self.budget.left += freed;
        Ok(items)
    }

    /// A tuple, list or set of `items`.
    fn sequence(&mut self, items: &[Weight]) -> io::Result<()> {
        let all = items
            .iter()
            .fold(Weight::container(), |all, item| all.holding(*item, 20));
        self.push(all)
    }

    /// Puts keys and values, one behind the other, into `dict`.
    fn dictionary(&mut self, dict: Weight, items: &[Weight]) -> io::Result<()> {
        let all = items.chunks(2).fold(dict, |all, pair| {
            let key = pair[0];
            let value = pair.get(1).copied().unwrap_or_default();
            let with_value = all.holding(value, key.text.max(20));
            Weight {
                bytes: with_value.bytes + key.bytes,
                text: with_value.text.max(key.text),
                ..with_value
            }
        });
        self.push(all)
    }

    fn remember(&mut self, index: u32) -> io::Result<()> {
        let top = self.pop()?;
        self.push(top)?;
        self.budget.spend(top.bytes)?;
        if let Some(old) = self.memo.insert(index, top) {
            self.budget.left += old.bytes;
        }
        Ok(())
    }

    fn recall(&mut self, index: u32) -> io::Result<()> {
        let found = self.memo.get(&index).copied();
        self.push(
            found.ok_or_else(|| broken(format!("its pickle asks for {index}, which it lacks")))?,
        )
    }

    /// One operation; names are those of Python's `pickletools`.
    fn step(&mut self, op: u8, source: &mut impl BufRead) -> io::Result<()> {
        match op {
            // PROTO, FRAME
            0x80 => skip(source, 1),
            0x95 => skip(source, 8),
            // NONE, NEWTRUE, NEWFALSE
            b'N' | 0x88 | 0x89 => self.push(Weight::text(0)),
            // BININT, BININT1, BININT2, BINFLOAT
            b'J' => self.number(source, 4),
            b'K' => self.number(source, 1),
            b'M' => self.number(source, 2),
            b'G' => self.number(source, 8),
            // INT, LONG, FLOAT, UNICODE, PERSID
            b'I' | b'L' | b'F' | b'V' | b'P' => {
                let length = line(source)?.len() as u64;
                self.push(Weight::text(length))
            }
            // LONG1, SHORT_BINUNICODE, SHORT_BINSTRING, SHORT_BINBYTES
            0x8a | 0x8c | b'U' | b'C' => {
                let [length] = bytes(source)?;
                self.payload(source, length.into())
            }
            // LONG4, BINUNICODE, BINSTRING, BINBYTES
            0x8b | b'X' | b'T' | b'B' => {
                let length = u32::from_le_bytes(bytes(source)?);
                self.payload(source, length.into())
            }
            // BINUNICODE8, BINBYTES8, BYTEARRAY8
            0x8d | 0x8e | 0x96 => {
                let length = u64::from_le_bytes(bytes(source)?);
                self.payload(source, length)
            }
            // EMPTY_TUPLE, EMPTY_LIST, EMPTY_SET, EMPTY_DICT
            b')' | b']' | 0x8f | b'}' => self.push(Weight::container()),
            // MARK
            b'(' => {
                self.budget.spend(PLACE)?;
                self.marks.push(self.stack.len());
                Ok(())
            }
            // TUPLE, LIST, FROZENSET
            b't' | b'l' | 0x91 => {
                let items = self.pop_to_mark()?;
                self.sequence(&items)
            }
            // TUPLE1, TUPLE2, TUPLE3
            0x85..=0x87 => {
                let items = (0x85..=op)
                    .map(|_| self.pop())
                    .collect::<io::Result<Vec<_>>>()?;
                self.sequence(&items)
            }
            // APPEND; APPENDS, ADDITEMS
            b'a' => {
                let item = self.pop()?;
                let list = self.pop()?;
                self.push(list.holding(item, 20))
            }
            b'e' | 0x90 => {
                let items = self.pop_to_mark()?;
                let list = self.pop()?;
                self.push(items.iter().fold(list, |all, item| all.holding(*item, 20)))
            }
            // DICT, SETITEM, SETITEMS
            b'd' => {
                let items = self.pop_to_mark()?;
                self.dictionary(Weight::container(), &items)
            }
            b's' => {
                let (value, key) = (self.pop()?, self.pop()?);
                let dict = self.pop()?;
                self.dictionary(dict, &[key, value])
            }
            b'u' => {
                let items = self.pop_to_mark()?;
                let dict = self.pop()?;
                self.dictionary(dict, &items)
            }
            // POP, POP_MARK, DUP
            b'0' if self.marks.last() == Some(&self.stack.len()) => {
                self.marks.pop();
                self.budget.left += PLACE;
                Ok(())
            }
            b'0' => self.pop().map(drop),
            b'1' => self.pop_to_mark().map(drop),
            b'2' => {
                let top = self.pop()?;
                self.push(top)?;
                self.push(top)
            }
            // GET, BINGET, LONG_BINGET
            b'g' => {
                let index = index(source)?;
                self.recall(index)
            }
            b'h' => {
                let [index] = bytes(source)?;
                self.recall(index.into())
            }
            b'j' => {
                let index = u32::from_le_bytes(bytes(source)?);
                self.recall(index)
            }
            // PUT, BINPUT, LONG_BINPUT, MEMOIZE
            b'p' => {
                let index = index(source)?;
                self.remember(index)
            }
            b'q' => {
                let [index] = bytes(source)?;
                self.remember(index.into())
            }
            b'r' => {
                let index = u32::from_le_bytes(bytes(source)?);
                self.remember(index)
            }
            0x94 => self.remember(self.memo.len() as u32),
            // STACK_GLOBAL, NEWOBJ, REDUCE; BUILD; BINPERSID; NEWOBJ_EX
            0x93 | 0x81 | b'R' | b'b' => {
                let (argument, callable) = (self.pop()?, self.pop()?);
                let made = Weight::made(callable, argument);
                self.push(made)
            }
            b'Q' => {
                let argument = self.pop()?;
                let made = Weight::made(Weight::container(), argument);
                self.push(made)
            }
            0x92 => {
                let (named, argument) = (self.pop()?, self.pop()?);
                let callable = self.pop()?;
                let made = Weight::made(callable, argument.holding(named, 20));
                self.push(made)
            }
            other => Err(broken(format!("0x{other:02x} is no operation of a pickle"))),
        }
    }

    fn number(&mut self, source: &mut impl BufRead, length: u64) -> io::Result<()> {
        skip(source, length)?;
        self.push(Weight::text(0))
    }

    /// A text, or bytes. It is weighed before it is read: it may claim any length.
    fn payload(&mut self, source: &mut impl BufRead, length: u64) -> io::Result<()> {
        self.push(Weight::text(length.min(u64::MAX >> 2)))?;
        skip(source, length)
    }
}
