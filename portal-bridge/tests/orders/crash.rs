//! The process is killed before and after each of its writes; the end is the same.

use std::{
    future::Future,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
    },
    task::{Context, Poll},
};

use axum::http::{Method, Request};
use ecqx_crds::OrderPhase;
use ecqx_domain::{feature::Feature, order::names};
use kube::{ResourceExt, client::Body};
use serde_json::json;
use tower::{BoxError, Layer, Service};

use crate::rig::{Rig, order};

/// Cuts the process off from the API server at its n-th write, for good.
#[derive(Clone)]
pub struct Fault {
    at_write: usize,
    /// Whether that write still reaches the API server, and only its answer is lost.
    committed: bool,
    writes: Arc<AtomicUsize>,
    dead: Arc<AtomicBool>,
}

impl Fault {
    pub fn new(at_write: usize, committed: bool) -> Self {
        Self { at_write, committed, writes: Arc::default(), dead: Arc::default() }
    }
}

impl<S> Layer<S> for Fault {
    type Service = Faulty<S>;

    fn layer(&self, inner: S) -> Faulty<S> {
        Faulty { inner, fault: self.clone() }
    }
}

pub struct Faulty<S> {
    inner: S,
    fault: Fault,
}

impl<S> Service<Request<Body>> for Faulty<S>
where
    S: Service<Request<Body>, Error = BoxError>,
    S::Future: Send + 'static,
    S::Response: Send,
{
    type Response = S::Response;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<S::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let fault = &self.fault;
        if fault.dead.load(SeqCst) {
            return Box::pin(async { Err("the process is dead".into()) });
        }
        let is_write = request.method() != Method::GET;
        if !is_write || fault.writes.fetch_add(1, SeqCst) + 1 < fault.at_write {
            return Box::pin(self.inner.call(request));
        }
        fault.dead.store(true, SeqCst);
        if !fault.committed {
            return Box::pin(async { Err("killed before the write".into()) });
        }
        let call = self.inner.call(request);
        Box::pin(async move {
            call.await?;
            Err("killed after the write".into())
        })
    }
}

/// The writes of an order are five: the record, the namespace, the instance, the licence set, the outcome.
#[tokio::test]
async fn killed_at_any_write_the_order_has_its_one_effect_after_a_restart() {
    for at_write in 1..=5 {
        for committed in [false, true] {
            let customer = 2000 + 10 * at_write as u64 + u64::from(committed);
            let hostname = format!("crash-{customer}");
            let order = order(customer, customer, &hostname, &[("ECQX", 1), ("IP-PHONE-EXT", 10)]);
            let mut rig = Rig::start_with(&hostname, json!({}), Some(Fault::new(at_write, committed))).await;
            let answer = rig.deliver(&order).await;
            let recorded = at_write > 1;
            let expected = if recorded { (200, "Received") } else { (503, "Refused") };
            assert_eq!((answer.status, answer.state()), expected, "{answer:?}");

            rig.restart().await;
            if !recorded {
                assert_eq!(rig.deliver(&order).await.status, 200, "the shop delivers again");
            }
            let name = names::order_record("default", &customer.to_string());
            rig.until(&name, OrderPhase::Fulfilled).await;
            assert_one_effect(&rig, customer, &hostname).await;
            let versions = rig.versions(customer).await;
            assert_eq!(rig.deliver(&order).await.state(), "Fulfilled");
            assert_eq!(rig.versions(customer).await, versions);
        }
    }
}

async fn assert_one_effect(rig: &Rig, customer: u64, hostname: &str) {
    assert_eq!(rig.recorded().await.len(), 1);
    let instances = rig.instances(customer).await;
    assert_eq!(instances.iter().map(ResourceExt::name_any).collect::<Vec<_>>(), [hostname]);
    let sets = rig.license_sets(customer).await;
    assert_eq!(sets.iter().map(ResourceExt::name_any).collect::<Vec<_>>(), [hostname]);
    let grants: Vec<_> = sets[0].spec.grants.iter().map(|grant| (grant.feature, grant.quantity)).collect();
    assert_eq!(grants, [(Feature::IpPhoneExtension, 10)]);
}

#[tokio::test]
async fn without_the_api_server_a_delivery_is_answered_with_503_and_when_to_come_back() {
    let rig = Rig::start_with("away", json!({}), Some(Fault::new(1, false))).await;
    let answer = rig.deliver(&order(1, 2900, "away", &[("ECQX", 1)])).await;
    assert_eq!((answer.status, answer.retry_after), (503, true));
    assert_eq!(answer.codes(), ["Unavailable"]);
}
