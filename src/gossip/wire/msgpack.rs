//! Reading and writing of the codec.
