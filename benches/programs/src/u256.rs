//! Numbers of 256 bits as four 64-bit limbs, by hand.

/// A number, lowest limb first.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct U256(pub [u64; 4]);

impl U256 {
    /// Zero.
    pub const ZERO: U256 = U256([0; 4]);

    /// Of a small number.
    pub const fn from(value: u64) -> U256 {
        U256([value, 0, 0, 0])
    }

    fn carrying_add(self, other: U256) -> (U256, bool) {
        let (mut sum, mut carry) = ([0; 4], false);
        for i in 0..4 {
            let (partial, first) = self.0[i].overflowing_add(other.0[i]);
            let (whole, second) = partial.overflowing_add(u64::from(carry));
            sum[i] = whole;
            carry = first | second;
        }
        (U256(sum), carry)
    }

    fn borrowing_sub(self, other: U256) -> (U256, bool) {
        let (mut difference, mut borrow) = ([0; 4], false);
        for i in 0..4 {
            let (partial, first) = self.0[i].overflowing_sub(other.0[i]);
            let (whole, second) = partial.overflowing_sub(u64::from(borrow));
            difference[i] = whole;
            borrow = first | second;
        }
        (U256(difference), borrow)
    }

    /// The sum, modulo 2^256.
    pub fn add(self, other: U256) -> U256 {
        self.carrying_add(other).0
    }

    /// The difference, modulo 2^256.
    pub fn sub(self, other: U256) -> U256 {
        self.borrowing_sub(other).0
    }

    /// The product, modulo 2^256.
    pub fn mul(self, other: U256) -> U256 {
        let mut product = [0_u64; 4];
        for i in 0..4 {
            let mut carry = 0_u128;
            for j in 0..4 - i {
                carry += u128::from(self.0[i]) * u128::from(other.0[j]) + u128::from(product[i + j]);
                product[i + j] = carry as u64;
                carry >>= 64;
            }
        }
        U256(product)
    }

    /// Whether it is zero.
    pub fn is_zero(self) -> bool {
        self == U256::ZERO
    }

    /// Whether it is less.
    pub fn less(self, other: U256) -> bool {
        self.borrowing_sub(other).1
    }

    /// Bit `index`.
    pub fn bit(self, index: u32) -> bool {
        self.0[index as usize / 64] >> (index % 64) & 1 == 1
    }

    /// How many bits it has.
    pub fn bits(self) -> u32 {
        let top = (0..4).rev().find(|&i| self.0[i] != 0);
        top.map_or(0, |i| 64 * i as u32 + 64 - self.0[i].leading_zeros())
    }

    /// Shifts to the left; from 256 on, zero.
    pub fn shl(self, by: u32) -> U256 {
        let (words, bits) = (by as usize / 64, by % 64);
        let mut shifted = [0; 4];
        for i in words..4 {
            shifted[i] = self.0[i - words] << bits;
            if bits > 0 && i > words {
                shifted[i] |= self.0[i - words - 1] >> (64 - bits);
            }
        }
        U256(shifted)
    }

    /// Shifts to the right; from 256 on, zero.
    pub fn shr(self, by: u32) -> U256 {
        let (words, bits) = (by as usize / 64, by % 64);
        let mut shifted = [0; 4];
        for i in 0..4_usize.saturating_sub(words) {
            shifted[i] = self.0[i + words] >> bits;
            if bits > 0 && i + words < 3 {
                shifted[i] |= self.0[i + words + 1] << (64 - bits);
            }
        }
        U256(shifted)
    }

    /// Quotient and remainder; both zero when the divisor is, as in Ethereum.
    pub fn div_rem(self, divisor: U256) -> (U256, U256) {
        if divisor.is_zero() {
            return (U256::ZERO, U256::ZERO);
        }
        if self.less(divisor) {
            return (U256::ZERO, self);
        }
        let (mut quotient, mut remainder) = (U256::ZERO, self);
        let mut by = self.bits() - divisor.bits();
        let mut shifted = divisor.shl(by);
        loop {
            let (difference, borrow) = remainder.borrowing_sub(shifted);
            if !borrow {
                remainder = difference;
                quotient.0[by as usize / 64] |= 1 << (by % 64);
            }
            if by == 0 {
                return (quotient, remainder);
            }
            by -= 1;
            shifted = shifted.shr(1);
        }
    }

    /// The sum modulo `modulus`.
    pub fn add_mod(self, other: U256, modulus: U256) -> U256 {
        let (left, right) = (self.div_rem(modulus).1, other.div_rem(modulus).1);
        let (sum, carry) = left.carrying_add(right);
        if modulus.is_zero() {
            U256::ZERO
        } else if carry || !sum.less(modulus) {
            sum.sub(modulus)
        } else {
            sum
        }
    }

    /// The product modulo `modulus`, bit by bit.
    pub fn mul_mod(self, other: U256, modulus: U256) -> U256 {
        let left = self.div_rem(modulus).1;
        let mut product = U256::ZERO;
        for i in (0..other.bits()).rev() {
            product = product.add_mod(product, modulus);
            if other.bit(i) {
                product = product.add_mod(left, modulus);
            }
        }
        product
    }

    /// The power, modulo 2^256.
    pub fn pow(self, exponent: U256) -> U256 {
        let mut power = U256::from(1);
        for i in (0..exponent.bits()).rev() {
            power = power.mul(power);
            if exponent.bit(i) {
                power = power.mul(self);
            }
        }
        power
    }
}

/// Arithmetic in a loop, each result the next operand.
pub fn run(n: i32) -> i64 {
    let (mut a, mut b) = (U256([1, 2, 3, 4]), U256([!0, 77, !0, 1]));
    for i in 0..n as u64 {
        let c = a.mul(b).add(U256::from(i));
        let (quotient, remainder) = c.div_rem(b.shr(i as u32 % 200 + 1));
        b = a.sub(quotient).shl(i as u32 % 7);
        a = c.add(remainder).add_mod(b, U256([i, 5, !0, 0]));
    }
    (a.0[0] ^ a.0[3] ^ b.0[1]) as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn division_undoes_multiplication() {
        let (a, b, c) = (U256([!0, 5, 0, 0]), U256([7, !0, 0, 0]), U256([3, 0, 0, 0]));
        assert_eq!(a.mul(b).add(c).div_rem(b), (a, c));
        assert_eq!(a.mul_mod(b, U256([!0, !0, 0, 0])), a.mul(b).div_rem(U256([!0, !0, 0, 0])).1);
        assert_eq!(U256::from(3).pow(U256::from(5)), U256::from(243));
    }
}
