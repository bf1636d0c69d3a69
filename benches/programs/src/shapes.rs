//! Trait objects in a list: a call through a table for every element, with small bodies.

use crate::random::{Random, mix};

trait Shape {
    fn area(&self) -> i64;
    fn grow(&mut self, by: i64);
}

struct Square(i64);
struct Rectangle(i64, i64);
struct Triangle(i64, i64);
struct Scaled(Box<dyn Shape>, i64);

impl Shape for Square {
    fn area(&self) -> i64 {
        self.0 * self.0
    }

    fn grow(&mut self, by: i64) {
        self.0 = (self.0 + by) & 0xff;
    }
}

impl Shape for Rectangle {
    fn area(&self) -> i64 {
        self.0 * self.1
    }

    fn grow(&mut self, by: i64) {
        (self.0, self.1) = (self.1, (self.0 + by) & 0xff);
    }
}

impl Shape for Triangle {
    fn area(&self) -> i64 {
        self.0 * self.1 / 2
    }

    fn grow(&mut self, by: i64) {
        self.0 = (self.0 ^ by) & 0xff;
    }
}

impl Shape for Scaled {
    fn area(&self) -> i64 {
        self.0.area() * self.1
    }

    fn grow(&mut self, by: i64) {
        self.0.grow(by + 1);
    }
}

fn shape(random: &mut Random) -> Box<dyn Shape> {
    let (a, b) = (i64::from(random.below(100)), i64::from(random.below(100)));
    match random.below(4) {
        0 => Box::new(Square(a)),
        1 => Box::new(Rectangle(a, b)),
        2 => Box::new(Triangle(a, b)),
        _ => Box::new(Scaled(shape(random), a % 4)),
    }
}

/// Visits a thousand shapes `n` times.
pub fn run(n: i32) -> i64 {
    let mut random = Random::new(22);
    let mut shapes: Vec<Box<dyn Shape>> = (0..1000).map(|_| shape(&mut random)).collect();
    let mut sum = 0;
    for _ in 0..n {
        let area: i64 = shapes.iter().map(|shape| shape.area()).sum();
        for shape in &mut shapes {
            shape.grow(area & 15);
        }
        sum = mix(sum, area as u64);
    }
    sum as i64
}
