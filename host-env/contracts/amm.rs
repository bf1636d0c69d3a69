//! An automated market maker between two tokens: the product of its reserves never falls. Of each swap 0.3 % stays for
//! those who provide liquidity. It takes tokens by `transfer_from`, so they must have been approved to it.
#![no_std]

use lockstep_contract::prelude::*;

const TOKENS: Value<(Address, Address)> = Value::new("tokens");
const RESERVES: Value<(Amount, Amount)> = Value::new("reserves");
const TOTAL: Value<Amount> = Value::new("total");
const SHARES: Map<Address, Amount> = Map::new("shares");

/// Shares of the first liquidity that nobody gets, so that no one can make a share worth so much that others round to
/// nothing.
const LOCKED: Amount = 1_000;
const FEE_PER_MILLE: Amount = 3;

contract! {
    deploy { init(a: Address, b: Address) }
    call {
        add_liquidity(a: Amount, b: Amount, least: Amount),
        remove_liquidity(shares: Amount, least_a: Amount, least_b: Amount),
        swap(token: Address, amount: Amount, least: Amount),
        quote(token: Address, amount: Amount),
        tokens(),
        reserves(),
        shares_of(provider: Address),
        total_shares(),
    }
}

fn init(a: Address, b: Address) {
    ensure(a != b, "same token");
    TOKENS.set(&(a, b));
}

/// Takes `a` and `b`, or as much less of one as keeps the price; answers the shares given, at least `least`.
fn add_liquidity(a: Amount, b: Amount, least: Amount) -> Amount {
    let ((reserve_a, reserve_b), total) = (reserves(), total_shares());
    let (a, b, shares, locked) = if total == 0 {
        let all = root_of_product(a, b);
        (a, b, all.checked_sub(LOCKED).or_revert("liquidity"), LOCKED)
    } else {
        let matching = mul_div(a, reserve_b, reserve_a);
        let (a, b) = match matching {
            Some(matching) if matching <= b => (a, matching),
            _ => (mul_div(b, reserve_a, reserve_b).or_revert("overflow"), b),
        };
        let shares = mul_div(a, total, reserve_a).min(mul_div(b, total, reserve_b)).or_revert("overflow");
        (a, b, shares, 0)
    };
    ensure(shares > 0 && shares >= least, "least");
    let provider = context::caller();
    RESERVES.set(&(sum(reserve_a, a), sum(reserve_b, b)));
    TOTAL.set(&sum(sum(total, shares), locked));
    SHARES.set(&provider, &sum(shares_of(provider), shares));
    emit!("LiquidityAdded", [provider.0], (provider, a, b, shares));
    let (token_a, token_b) = tokens();
    collect(&token_a, provider, a);
    collect(&token_b, provider, b);
    shares
}

/// Gives back what these shares are worth: at least so much of both.
fn remove_liquidity(shares: Amount, least_a: Amount, least_b: Amount) -> (Amount, Amount) {
    let ((reserve_a, reserve_b), total) = (reserves(), total_shares());
    let provider = context::caller();
    let left = shares_of(provider).checked_sub(shares).or_revert("shares");
    ensure(shares > 0, "shares");
    let a = mul_div(reserve_a, shares, total).or_revert("overflow");
    let b = mul_div(reserve_b, shares, total).or_revert("overflow");
    ensure(a >= least_a && b >= least_b, "least");
    RESERVES.set(&(reserve_a - a, reserve_b - b));
    TOTAL.set(&(total - shares));
    SHARES.set(&provider, &left);
    emit!("LiquidityRemoved", [provider.0], (provider, a, b, shares));
    let (token_a, token_b) = tokens();
    hand_out(&token_a, provider, a);
    hand_out(&token_b, provider, b);
    (a, b)
}

/// Takes so much of one token and gives at least `least` of the other; answers how much.
fn swap(token: Address, amount: Amount, least: Amount) -> Amount {
    let (token_a, token_b) = tokens();
    let (reserve_a, reserve_b) = reserves();
    let bought = quote(token, amount);
    ensure(bought > 0 && bought >= least, "least");
    let other = if token == token_a {
        RESERVES.set(&(sum(reserve_a, amount), reserve_b - bought));
        token_b
    } else {
        RESERVES.set(&(reserve_a - bought, sum(reserve_b, amount)));
        token_a
    };
    let trader = context::caller();
    emit!("Swapped", [trader.0, token.0], (trader, token, amount, bought));
    collect(&token, trader, amount);
    hand_out(&other, trader, bought);
    bought
}

/// What so much of a token buys of the other.
fn quote(token: Address, amount: Amount) -> Amount {
    let (token_a, token_b) = tokens();
    let (reserve_a, reserve_b) = reserves();
    let (from, to) = match token {
        _ if token == token_a => (reserve_a, reserve_b),
        _ if token == token_b => (reserve_b, reserve_a),
        _ => revert("token"),
    };
    ensure(from > 0, "liquidity");
    let paid = mul_div(amount, 1_000 - FEE_PER_MILLE, 1_000).or_revert("overflow");
    mul_div(to, paid, sum(from, paid)).or_revert("overflow")
}

fn tokens() -> (Address, Address) {
    TOKENS.get().or_revert("not initialised")
}

fn reserves() -> (Amount, Amount) {
    RESERVES.get_or_default()
}

fn shares_of(provider: Address) -> Amount {
    SHARES.get_or_default(&provider)
}

fn total_shares() -> Amount {
    TOTAL.get_or_default()
}

fn collect(token: &Address, from: Address, amount: Amount) {
    Call::to(token).must(selector_of!("transfer_from"), &(from, context::this(), amount))
}

fn hand_out(token: &Address, to: Address, amount: Amount) {
    Call::to(token).must(selector_of!("transfer"), &(to, amount))
}

fn sum(a: Amount, b: Amount) -> Amount {
    a.checked_add(b).or_revert("overflow")
}

/// `a * b` in 256 bits, high half first.
fn product(a: Amount, b: Amount) -> (u128, u128) {
    const LOW: u128 = u64::MAX as u128;
    let (a1, a0, b1, b0) = (a >> 64, a & LOW, b >> 64, b & LOW);
    let low = a0 * b0;
    let middle = a1 * b0 + (low >> 64);
    let (carried, over) = middle.overflowing_add(a0 * b1);
    let high = a1 * b1 + (carried >> 64) + (u128::from(over) << 64);
    (high, carried << 64 | low & LOW)
}

/// `a * b / c`, rounded down, unless it does not fit or `c` is 0.
fn mul_div(a: Amount, b: Amount, c: Amount) -> Option<Amount> {
    let (mut rest, mut low) = product(a, b);
    if rest == 0 {
        return low.checked_div(c);
    }
    if rest >= c {
        return None;
    }
    // Long division, bit by bit: the quotient goes where the dividend's low half leaves.
    for _ in 0..128 {
        let top = rest >> 127;
        rest = rest << 1 | low >> 127;
        low <<= 1;
        if top == 1 || rest >= c {
            rest = rest.wrapping_sub(c);
            low |= 1;
        }
    }
    Some(low)
}

/// The square root of `a * b`, rounded down.
fn root_of_product(a: Amount, b: Amount) -> Amount {
    let square = product(a, b);
    (0..128).rev().fold(0, |root, bit| {
        let longer = root | 1 << bit;
        if product(longer, longer) <= square { longer } else { root }
    })
}
