//! A request's JSON as a flat list of fields.
//!
//! Nothing is refused here but what is not JSON: a field of a wrong type, an unknown one, a missing one is
//! the parser's matter, which can then name it and still answer with the request's id.
//!
//! What is kept is bounded: of a list, an object or a batch only so much as could be right is kept, the
//! rest is counted. Otherwise a line of four million bytes could become a gigabyte of elements.

use fentan_engine::clearing::decide::payout::SETTLEMENTS_MAX;
use fentan_engine::ledger::ORDER_LINES_MAX;
use serde::de::{Deserialize, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use smallvec::SmallVec;
use std::borrow::Cow;
use std::fmt;

/// A value. Strings are borrowed from the line where they have no escapes.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value<'a> {
    Text(Cow<'a, str>),
    /// A whole number that is not negative.
    Whole(u64),
    /// Any other number.
    Number,
    Bool(bool),
    Null,
    List(List<'a>),
    Object(Object<'a>),
}

/// An object inside a request: its first fields, and whether there were more than one may have. Of an object
/// deeper than [`KEPT_DEPTH`] nothing is kept.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Object<'a> {
    pub(super) first: Vec<(Cow<'a, str>, Value<'a>)>,
    pub(super) too_many: bool,
}

/// A list: its first elements, and how many there are.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct List<'a> {
    pub(super) first: Vec<Value<'a>>,
    pub(super) count: usize,
}

/// How many elements of a list are kept; no field may have more.
const KEPT_ELEMENTS: usize = if SETTLEMENTS_MAX > ORDER_LINES_MAX { SETTLEMENTS_MAX } else { ORDER_LINES_MAX };
/// How many fields of an object inside a request are kept; none has so many.
const KEPT_INNER_FIELDS: usize = 8;
/// How deep objects inside a request are kept.
const KEPT_DEPTH: u8 = 2;
/// How many fields of an object are kept; no operation has so many.
pub(super) const KEPT_FIELDS: usize = 64;

impl Value<'_> {
    /// What it is, for messages.
    pub(super) const fn kind(&self) -> &'static str {
        match self {
            Self::Text(_) => "a string",
            Self::Whole(_) | Self::Number => "a number",
            Self::Bool(_) => "true or false",
            Self::Null => "null",
            Self::List(_) => "a list",
            Self::Object(_) => "an object",
        }
    }
}

/// The fields of one object, in order; a name that stands twice is there twice. A field that was taken
/// leaves its name.
#[derive(Debug, Default)]
pub(super) struct Fields<'a> {
    pub(super) first: SmallVec<[(Cow<'a, str>, Option<Value<'a>>); 12]>,
    /// Whether there were more than an object may have.
    pub(super) too_many: bool,
}

/// The elements of a batch, as many as it may have, and how many there are.
#[derive(Debug, Default)]
pub(super) struct Batch<'a> {
    pub(super) first: Vec<Element<'a>>,
    pub(super) count: usize,
}

/// Reads a batch of which at most `limit` elements are kept.
pub(super) fn batch(text: &[u8], limit: usize) -> serde_json::Result<Batch<'_>> {
    let mut deserializer = serde_json::Deserializer::from_slice(text);
    let batch = deserializer.deserialize_seq(BatchVisitor { limit })?;
    deserializer.end()?;
    Ok(batch)
}

struct BatchVisitor {
    limit: usize,
}

impl<'de> Visitor<'de> for BatchVisitor {
    type Value = Batch<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of requests")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Batch<'de>, A::Error> {
        let mut batch = Batch::default();
        while batch.count < self.limit {
            let Some(element) = seq.next_element()? else { return Ok(batch) };
            batch.first.push(element);
            batch.count += 1;
        }
        while seq.next_element::<IgnoredAny>()?.is_some() {
            batch.count += 1;
        }
        Ok(batch)
    }
}

/// An element of a batch.
#[derive(Debug)]
#[allow(clippy::large_enum_variant, reason = "nearly all are objects, and live for one line")]
pub(super) enum Element<'a> {
    Object(Fields<'a>),
    Other(&'static str),
}

/// Reads a value in which objects are kept so many levels deep.
#[derive(Clone, Copy)]
struct ValueVisitor {
    depth: u8,
}

impl<'de> DeserializeSeed<'de> for ValueVisitor {
    type Value = Value<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value<'de>, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = Value<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Value<'de>, E> {
        Ok(Value::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Value<'de>, E> {
        Ok(Value::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_string<E>(self, text: String) -> Result<Value<'de>, E> {
        Ok(Value::Text(Cow::Owned(text)))
    }

    fn visit_i64<E>(self, _: i64) -> Result<Value<'de>, E> {
        Ok(Value::Number)
    }

    fn visit_u64<E>(self, number: u64) -> Result<Value<'de>, E> {
        Ok(Value::Whole(number))
    }

    fn visit_f64<E>(self, _: f64) -> Result<Value<'de>, E> {
        Ok(Value::Number)
    }

    fn visit_bool<E>(self, is: bool) -> Result<Value<'de>, E> {
        Ok(Value::Bool(is))
    }

    fn visit_unit<E>(self) -> Result<Value<'de>, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value<'de>, A::Error> {
        let mut list = List::default();
        while list.count < KEPT_ELEMENTS {
            let Some(value) = seq.next_element_seed(self)? else { return Ok(Value::List(list)) };
            list.first.push(value);
            list.count += 1;
        }
        while seq.next_element::<IgnoredAny>()?.is_some() {
            list.count += 1;
        }
        Ok(Value::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value<'de>, A::Error> {
        let mut object = Object::default();
        if let Some(depth) = self.depth.checked_sub(1) {
            while object.first.len() < KEPT_INNER_FIELDS {
                let Some(Key(key)) = map.next_key()? else { return Ok(Value::Object(object)) };
                object.first.push((key, map.next_value_seed(Self { depth })?));
            }
        }
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {
            object.too_many = true;
        }
        Ok(Value::Object(object))
    }
}

impl<'de> Deserialize<'de> for Value<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor { depth: KEPT_DEPTH })
    }
}

/// A field's name, borrowed where it can be.
struct Key<'a>(Cow<'a, str>);

struct KeyVisitor;

impl<'de> Visitor<'de> for KeyVisitor {
    type Value = Key<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a field's name")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Key<'de>, E> {
        Ok(Key(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Key<'de>, E> {
        Ok(Key(Cow::Owned(text.to_owned())))
    }
}

impl<'de> Deserialize<'de> for Key<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(KeyVisitor)
    }
}

fn fields<'de, A: MapAccess<'de>>(mut map: A) -> Result<Fields<'de>, A::Error> {
    let mut fields = Fields::default();
    while fields.first.len() < KEPT_FIELDS {
        let Some((Key(key), value)) = map.next_entry()? else { return Ok(fields) };
        fields.first.push((key, Some(value)));
    }
    while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {
        fields.too_many = true;
    }
    Ok(fields)
}

struct ElementVisitor;

impl<'de> Visitor<'de> for ElementVisitor {
    type Value = Element<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a request object")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Element<'de>, A::Error> {
        fields(map).map(Element::Object)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Element<'de>, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Element::Other("a list"))
    }

    fn visit_str<E>(self, _: &str) -> Result<Element<'de>, E> {
        Ok(Element::Other("a string"))
    }

    fn visit_i64<E>(self, _: i64) -> Result<Element<'de>, E> {
        Ok(Element::Other("a number"))
    }

    fn visit_u64<E>(self, _: u64) -> Result<Element<'de>, E> {
        Ok(Element::Other("a number"))
    }

    fn visit_f64<E>(self, _: f64) -> Result<Element<'de>, E> {
        Ok(Element::Other("a number"))
    }

    fn visit_bool<E>(self, _: bool) -> Result<Element<'de>, E> {
        Ok(Element::Other("true or false"))
    }

    fn visit_unit<E>(self) -> Result<Element<'de>, E> {
        Ok(Element::Other("null"))
    }
}

impl<'de> Deserialize<'de> for Element<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ElementVisitor)
    }
}
