//! The token on the embedded database, with the node started again in between.

use super::chain::{ALICE, BOB, CAROL, Chain};
use super::token;
use lockstep_host_env::{EmbeddedDatabase, Hash};

#[test]
fn a_token_lives_on_the_embedded_database() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.redb");
    let story = |chain: Chain, again: &dyn Fn(Chain) -> Chain| -> Hash {
        let gold = token::deploy(&chain, 500, 0);
        chain.call(ALICE, gold, "approve", (BOB, 100_u128)).ok();
        let chain = again(chain);
        chain.call(BOB, gold, "transfer_from", (ALICE, CAROL, 60_u128)).ok();
        chain.call(BOB, gold, "transfer_from", (ALICE, CAROL, 60_u128)).reverts("allowance");
        assert_eq!([ALICE, BOB, CAROL].map(|of| token::balance(&chain, gold, of)), [440, 0, 60]);
        chain.root()
    };
    let embedded = story(Chain::on(Box::new(EmbeddedDatabase::open(&path).unwrap())), &|chain| {
        let block = chain.block;
        drop(chain);
        Chain { database: Box::new(EmbeddedDatabase::open(&path).unwrap()), block }
    });
    assert_eq!(story(Chain::default(), &|chain| chain), embedded);
}
