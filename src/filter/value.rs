//! What a row shows to an expression: field tables, field kinds, and borrowed field values.

use std::collections::BTreeMap;
use std::marker::PhantomData;
use std::net::IpAddr;
use std::sync::Arc;

/// A type whose rows can be filtered.
pub trait Filterable: Sized + Send + Sync + 'static {
    /// The selectable fields; their order has no meaning.
    const FIELDS: &'static [Field<Self>];
}

/// One selectable field.
pub struct Field<T> {
    /// Name in selectors, as in the JSON of the row.
    pub name: &'static str,
    /// What operators it takes and where a selector may go on.
    pub kind: Kind,
    /// Borrows the value.
    pub get: fn(&T) -> Value<'_>,
}

/// Kind of a field.
#[derive(Clone, Copy)]
pub enum Kind {
    /// Text.
    Str,
    /// Truth value.
    Bool,
    /// Signed number.
    Int,
    /// Unsigned number of this many bits.
    Uint(u32),
    /// List of texts.
    Strs,
    /// List of bytes.
    Bytes,
    /// Map from text to values of one kind.
    Map(&'static Kind),
    /// Fields of another type.
    Object(&'static dyn Table),
    /// List of rows of another type.
    Objects(&'static dyn Table),
}

/// A borrowed field value.
#[derive(Clone, Copy)]
pub enum Value<'a> {
    /// Text.
    Str(&'a str),
    /// Truth value.
    Bool(bool),
    /// Signed number.
    Int(i64),
    /// Unsigned number.
    Uint(u64),
    /// List of texts.
    Strs(&'a [String]),
    /// List of bytes.
    Bytes(&'a [u8]),
    /// An IP address as the list of its bytes; `None` is an empty list.
    Ip(Option<IpAddr>),
    /// Map; `None` is an absent one and works as empty.
    Map(Option<&'a dyn Mapping>),
    /// Object.
    Object(&'a dyn Record),
    /// List of objects.
    Objects(&'a dyn Sequence),
}

/// Field names of a type, without the type.
pub trait Table: Send + Sync {
    /// Index and kind of a field.
    fn find(&self, name: &str) -> Option<(usize, Kind)>;
}

/// A row without its type.
pub trait Record {
    /// Value of the field with this index in its table.
    fn field(&self, index: usize) -> Value<'_>;
}

/// A list of rows without their type.
pub trait Sequence {
    /// Number of rows.
    fn len(&self) -> usize;
    /// True without rows.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
    /// One of them.
    fn item(&self, index: usize) -> &dyn Record;
}

/// A map without its type.
pub trait Mapping {
    /// Number of pairs.
    fn len(&self) -> usize;
    /// True without pairs.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
    /// Value of a key.
    fn get(&self, key: &str) -> Option<Value<'_>>;
}

/// [`Table`] of a filterable type.
pub struct TableOf<T>(PhantomData<fn(&T)>);

impl<T> TableOf<T> {
    /// The table.
    pub const TABLE: TableOf<T> = TableOf(PhantomData);
}

impl<T: Filterable> Table for TableOf<T> {
    fn find(&self, name: &str) -> Option<(usize, Kind)> {
        T::FIELDS.iter().enumerate().find(|(_, field)| field.name == name).map(|(index, field)| (index, field.kind))
    }
}

impl<T: Filterable> Record for T {
    fn field(&self, index: usize) -> Value<'_> {
        (T::FIELDS[index].get)(self)
    }
}

/// A field type: its kind and how to borrow its value.
pub trait Typed {
    /// Kind of all values of this type.
    const KIND: Kind;
    /// The value.
    fn value(&self) -> Value<'_>;
}

/// Kind of what an accessor returns; keeps tables free of types.
pub const fn kind_of<T, V: Typed + ?Sized>(_: fn(&T) -> &V) -> Kind {
    V::KIND
}

macro_rules! scalars {
    ($($type:ty => $kind:expr, $make:expr;)*) => {$(
        impl Typed for $type {
            const KIND: Kind = $kind;
            fn value(&self) -> Value<'_> {
                let make: fn(&$type) -> Value<'_> = $make;
                make(self)
            }
        }
    )*};
}

scalars! {
    String => Kind::Str, |v| Value::Str(v);
    str => Kind::Str, |v| Value::Str(v);
    bool => Kind::Bool, |v| Value::Bool(*v);
    i64 => Kind::Int, |v| Value::Int(*v);
    u8 => Kind::Uint(8), |v| Value::Uint(u64::from(*v));
    u16 => Kind::Uint(16), |v| Value::Uint(u64::from(*v));
    Vec<String> => Kind::Strs, |v| Value::Strs(v);
    Option<Vec<String>> => Kind::Strs, |v| Value::Strs(v.as_deref().unwrap_or_default());
    Vec<u8> => Kind::Bytes, |v| Value::Bytes(v);
}

impl<T: Filterable> Typed for T {
    const KIND: Kind = Kind::Object(&TableOf::<T>::TABLE);
    fn value(&self) -> Value<'_> {
        Value::Object(self)
    }
}

impl<T: Filterable> Typed for Arc<T> {
    const KIND: Kind = T::KIND;
    fn value(&self) -> Value<'_> {
        Value::Object(self.as_ref())
    }
}

impl<T: Filterable> Typed for Vec<T> {
    const KIND: Kind = Kind::Objects(&TableOf::<T>::TABLE);
    fn value(&self) -> Value<'_> {
        Value::Objects(self)
    }
}

impl<T: Filterable> Typed for Vec<Arc<T>> {
    const KIND: Kind = Kind::Objects(&TableOf::<T>::TABLE);
    fn value(&self) -> Value<'_> {
        Value::Objects(self)
    }
}

impl<V: Typed + 'static> Typed for BTreeMap<String, V> {
    const KIND: Kind = Kind::Map(&V::KIND);
    fn value(&self) -> Value<'_> {
        Value::Map(Some(self))
    }
}

impl<V: Typed + 'static> Typed for Option<BTreeMap<String, V>> {
    const KIND: Kind = Kind::Map(&V::KIND);
    fn value(&self) -> Value<'_> {
        Value::Map(self.as_ref().map(|map| map as &dyn Mapping))
    }
}

impl<V: Typed> Mapping for BTreeMap<String, V> {
    fn len(&self) -> usize {
        BTreeMap::len(self)
    }
    fn get(&self, key: &str) -> Option<Value<'_>> {
        BTreeMap::get(self, key).map(Typed::value)
    }
}

impl<T: Filterable> Sequence for Vec<T> {
    fn len(&self) -> usize {
        Vec::len(self)
    }
    fn item(&self, index: usize) -> &dyn Record {
        &self[index]
    }
}

impl<T: Filterable> Sequence for Vec<Arc<T>> {
    fn len(&self) -> usize {
        Vec::len(self)
    }
    fn item(&self, index: usize) -> &dyn Record {
        self[index].as_ref()
    }
}
