//! `/v1/rules`: what divides spends, what did, and its reload.

use super::guard::{is_operator, not_from_here};
use super::{State, refusal};
use crate::access::Visitor;
use crate::config::Refused;
use crate::rules::now;
use crate::wire::{moment, rule_json};
use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, get, post, web};
use fentan_engine::allocation::Rule;
use fentan_engine::catalog::{Catalog, Versions};
use fentan_engine::ledger::Reject;
use fentan_engine::names::Label;
use serde::Deserialize;
use serde_json::{Value, json};

/// All rules in force, each with all its versions; and those that only the archive has.
#[get("/v1/rules")]
pub(super) async fn all(state: web::Data<State>) -> HttpResponse {
    let catalog = state.door.engine.catalog();
    let archived = state.rules.archived_versions();
    let now = now();
    let rules: Vec<Value> = catalog.all_versions().map(|versions| listed(versions, &catalog, &archived, now)).collect();
    let gone = archived.iter().filter(|rule| catalog.versions(&rule.name).is_none());
    let archived: Vec<Value> = gone
        .map(|rule| json!({ "name": rule.name.as_str(), "version": rule.version, "effective_from": since(rule) }))
        .collect();
    HttpResponse::Ok().json(json!({ "ok": true, "rules": rules, "archived": archived }))
}

/// A rule as it is in force, or as it will be first, with what versions there are.
fn listed(versions: &Versions, catalog: &Catalog, archived: &[Rule], now: i64) -> Value {
    let rule = versions.in_force_or_first(now);
    let mut value = rule_json(rule, |sub| catalog.sub_name(sub));
    let standing = |each: &Rule| match (each.version == rule.version, each.is_effective(now)) {
        (_, false) => "planned",
        (true, true) => "in_force",
        (false, true) => "past",
    };
    let gone = |each: &&Rule| each.name == *versions.name() && versions.version(each.version).is_none();
    let of_files = versions.iter().map(|each| (each, standing(each)));
    let of_archive = archived.iter().filter(gone).map(|each| (each, "archived"));
    let mut each: Vec<(&Rule, &str)> = of_files.chain(of_archive).collect();
    each.sort_by_key(|(each, _)| each.version);
    let shown = |(each, standing): (&Rule, &str)| json!({ "version": each.version, "effective_from": since(each), "standing": standing });
    value["versions"] = each.into_iter().map(shown).collect();
    value
}

fn since(rule: &Rule) -> Option<String> {
    rule.effective_from.map(moment)
}

/// Which version of a rule.
#[derive(Deserialize)]
pub(super) struct Which {
    version: Option<String>,
}

/// One rule: the version in force, or the one that is asked for, as it was.
#[get("/v1/rules/{name}")]
pub(super) async fn one(path: web::Path<String>, which: web::Query<Which>, state: web::Data<State>) -> HttpResponse {
    let Ok(name) = Label::new(&path) else {
        return refusal(&Reject::bad_request("rule", "a name is 1 to 64 printable ASCII characters"));
    };
    let catalog = state.door.engine.catalog();
    let found = match &which.version {
        None => catalog.rule_in_force(&name, now()).map(|rule| rule_json(rule, |sub| catalog.sub_name(sub))),
        Some(text) => {
            let Ok(version) = text.parse::<u32>() else {
                return refusal(&Reject::bad_request("version", "is a whole number from 1"));
            };
            let in_catalog = catalog.rule_version(&name, version);
            in_catalog.map(|rule| rule_json(rule, |sub| catalog.sub_name(sub))).or_else(|| {
                let archived = state.rules.archived(&name, version)?;
                Some(rule_json(&archived.rule, |sub| archived.sub_name(sub)))
            })
        }
    };
    match found {
        Some(mut body) => {
            body["ok"] = json!(true);
            HttpResponse::Ok().json(body)
        }
        None => refusal(&Reject::UnknownRule { rule: name }),
    }
}

/// Reads the catalog's files again. For operators only.
#[post("/v1/rules/reload")]
pub(super) async fn reload(http: HttpRequest, visitor: Visitor, state: web::Data<State>) -> HttpResponse {
    if !is_operator(&http) {
        return not_from_here("rules are reloaded");
    }
    let shared = web::Data::clone(&state);
    let asked_by = visitor.caller().map_or_else(|| "http".to_owned(), |caller| format!("http {}", caller.name()));
    let Ok(result) = web::block(move || shared.rules.reload(&asked_by)).await else {
        return HttpResponse::InternalServerError().finish();
    };
    match result {
        Ok(reloaded) => {
            let warnings: Vec<String> = reloaded.warnings.iter().map(ToString::to_string).collect();
            let body =
                json!({ "ok": true, "rules": reloaded.rules, "changed": reloaded.changed, "warnings": warnings });
            HttpResponse::Ok().json(body)
        }
        Err(Refused(faults)) => {
            let errors: Vec<String> = faults.iter().map(ToString::to_string).collect();
            let message = "the files were refused whole; the old rules stay in force";
            no(StatusCode::UNPROCESSABLE_ENTITY, "rules_refused", message, &errors)
        }
    }
}

fn no(status: StatusCode, code: &str, message: &str, errors: &[String]) -> HttpResponse {
    let body = json!({ "ok": false, "code": code, "message": message, "errors": errors });
    HttpResponse::build(status).json(body)
}
