//! Messages about `import` and `export`.
