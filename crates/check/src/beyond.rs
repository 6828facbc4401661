//! What decides about an upload, and is not in the input: included files, addresses that a server lets pass, a
//! published URL that no seen server serves, and what ends TLS before the dashboard.
//!
//! In: facts. Out: one sentence for each, as in [`coverage`](crate::coverage).

mod addresses;
mod authorizers;
mod branches;
mod calico;
mod cilium;
mod controllers;
mod dashboard;
mod diverted;
mod elsewhere;
mod glance;
mod includes;
mod istio_gateways;
mod last_hop;
mod middlewares;
mod network_policy;
mod patches;
mod plain_route;
mod published;
mod route_filters;
mod unread_fields;

use crate::facts::cloud::Cloud;
use crate::glances::Objects;
use crate::unit::Program;

/// All of it.
pub(crate) fn gaps(cloud: &Cloud<'_>, objects: Objects<'_>) -> Vec<String> {
    let mut gaps = Vec::new();
    for server in cloud.servers.iter().filter(|server| server.service == Program::Glance) {
        gaps.extend(includes::missing(cloud, server));
        gaps.extend(addresses::of_server(server));
        gaps.extend(addresses::of_geo(server));
        gaps.extend(branches::of_server(server));
    }
    gaps.extend(cloud.units.iter().flat_map(middlewares::of_files));
    gaps.extend(cloud.units.iter().flat_map(|unit| branches::of_unit(cloud, unit)));
    let pods = network_policy::pods(cloud, objects);
    for object in objects.iter() {
        gaps.extend(addresses::of_object(objects, object));
        gaps.extend(authorizers::of_object(objects, object));
        gaps.extend(middlewares::missing(objects, object));
        gaps.extend(istio_gateways::missing(objects, object));
        gaps.extend(route_filters::unread(objects, object));
        gaps.extend(patches::of_object(objects, object));
        gaps.extend(unread_fields::of_object(objects, object));
        gaps.extend(controllers::of_traefik(objects, object));
        gaps.extend(unread_fields::of_rule(objects, object));
        gaps.extend(diverted::of_object(objects, object));
        gaps.extend(unread_fields::unknown(objects, object));
        gaps.extend(cilium::of_object(objects, object));
        gaps.extend(network_policy::closed(objects, &pods, object).map(|why| format!("{}: {why}", object.id())));
    }
    gaps.extend(calico::closed(&objects, &pods));
    gaps.extend(controllers::of_nginx(objects));
    gaps.extend(plain_route::without_tls(cloud, objects));
    let with_tls = objects.iter().find(|object| last_hop::speaks_tls(objects, object));
    for glance in &cloud.glances {
        gaps.extend(last_hop::of_servers(cloud, glance));
        gaps.extend(last_hop::of_objects(cloud, glance, objects, with_tls));
        gaps.extend(elsewhere::routes(cloud, glance, objects));
        gaps.extend(glance::paste_file(glance));
        gaps.extend(glance::main_file(glance));
        gaps.extend(glance::routes_of_uwsgi(glance));
        gaps.extend(glance::options_of_uwsgi(glance));
        gaps.extend(published::unserved(cloud, glance));
        gaps.extend(published::unusable(glance));
        gaps.extend(dashboard::ends_tls(cloud, glance));
        gaps.extend(dashboard::another_name(cloud, glance));
    }
    gaps
}
