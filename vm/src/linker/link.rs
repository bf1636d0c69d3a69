//! Linking: whether what was found is what a module asks for.
//!
//! Owns the check of imports, the one way to an instance, and its order up to the price. It must not know names'
//! look-up.

use crate::crosscheck::Effect;
use crate::error::{Error, Found, ImportProblem, LinkError};
use crate::external::Extern;
use crate::func::HostFunction;
use crate::host::Host;
use crate::instance::Instance;
use crate::module::Module;
use crate::store::objects::Objects;
use crate::store::{StoreId, StoreInner};
use crate::types::ExternType;
use alloc::vec::Vec;
use core::fmt;

/// What a definition is.
pub(crate) enum Resolved<H: Host> {
    /// A host function, for any store.
    Host(HostFunction<H>),
    /// Something of one store.
    Extern(Extern),
}

impl<H: Host> Clone for Resolved<H> {
    fn clone(&self) -> Self {
        match self {
            Resolved::Host(function) => Resolved::Host(function.clone()),
            Resolved::Extern(item) => Resolved::Extern(*item),
        }
    }
}

impl<H: Host> fmt::Debug for Resolved<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Resolved::Host(function) => function.fmt(f),
            Resolved::Extern(item) => item.fmt(f),
        }
    }
}

impl<H: Host> Resolved<H> {
    /// The definition in a store; a host function is added to it.
    pub(crate) fn in_store<'a>(&self, store: &mut StoreInner<H::Data<'a>>) -> Extern {
        match self {
            Resolved::Host(function) => function.add_to(store).into(),
            Resolved::Extern(item) => *item,
        }
    }

    /// What is wrong with this as an import of type `expected`. Without a store, only host functions are looked at.
    fn problem(&self, expected: &ExternType, store: Option<(StoreId, &Objects)>) -> Option<Found> {
        let found = match (self, store) {
            (Resolved::Host(function), _) => ExternType::Func((*function.ty).clone()),
            (Resolved::Extern(_), None) => return None,
            (Resolved::Extern(item), Some((id, _))) if item.store() != id => return Some(Found::OtherStore),
            (Resolved::Extern(item), Some((_, objects))) => item.link_type(objects),
        };
        if expected.matches(&found) { None } else { Some(Found::Type(found)) }
    }
}

/// Checks all imports of a module, and reports all that are wrong.
pub(super) fn check<H: Host>(
    module: &Module,
    imports: &[Option<Resolved<H>>],
    store: Option<(StoreId, &Objects)>,
) -> Result<(), LinkError> {
    let info = module.info();
    if info.imports.len() != imports.len() {
        return Err(LinkError::ImportCount { expected: info.imports.len(), given: imports.len() });
    }
    let problems: Vec<ImportProblem> = info
        .imports
        .iter()
        .zip(imports)
        .filter_map(|(import, resolved)| {
            let expected = info.import_type(import);
            let found = match resolved {
                None => Found::Missing,
                Some(resolved) => resolved.problem(&expected, store)?,
            };
            Some(ImportProblem { module: import.module.clone(), name: import.name.clone(), expected, found })
        })
        .collect();
    if problems.is_empty() { Ok(()) } else { Err(LinkError::Imports(problems)) }
}

/// Makes an instance, without calling its start function. Every instance is made here.
pub(crate) fn instantiate<'a, H: Host>(
    store: &mut StoreInner<H::Data<'a>>,
    module: &Module,
    imports: &[Option<Resolved<H>>],
) -> Result<Instance, Error> {
    store.check_alive()?;
    if !module.engine().same(&store.engine) {
        return Err(LinkError::OtherEngine.into());
    }
    check(module, imports, Some((store.id, &store.objects)))?;
    store.check_limits(module)?;
    let price = module.plan().instantiation_price();
    store.objects.note(|| Effect::PayInstance(price));
    store.objects.charge_instantiation(module, price)?;
    let imports: Vec<Extern> = imports.iter().flatten().map(|resolved| resolved.in_store(store)).collect();
    Ok(Instance { store: store.id, id: store.build(module, &imports)? })
}
