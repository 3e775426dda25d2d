//! The clipboard on Wayland, by the data-control protocol, which needs no window and no focus. It has two names: that
//! of wlroots, and since 2024 that of the common protocols (`ext-data-control-v1`). The requests are the same.

use std::fs::File;
use std::io::Write;
use std::os::fd::OwnedFd;
use std::rc::Rc;

use wayland_client::globals::{GlobalList, GlobalListContents, registry_queue_init};
use wayland_client::protocol::wl_registry::{self, WlRegistry};
use wayland_client::protocol::wl_seat::{self, WlSeat};
use wayland_client::{Connection, Dispatch, EventQueue, Proxy, QueueHandle};

use super::{HINT, HINT_VALUE};
use crate::secret::{ExposeSecret, SecretString};

/// The names under which programs ask for text. The last three are those of X11, for programs that run there.
const TEXTS: [&str; 5] = ["text/plain;charset=utf-8", "text/plain", "UTF8_STRING", "STRING", "TEXT"];

/// A secret that other programs can paste.
pub(super) struct Offer {
    queue: EventQueue<State>,
    state: State,
}

struct State {
    secret: Rc<SecretString>,
    /// The seats on which it is still offered.
    offers: usize,
}

impl Offer {
    /// Offers a secret on every seat, or returns none if there is no such display, or it has no data control.
    pub(super) fn make(secret: &Rc<SecretString>) -> Option<Self> {
        let connection = Connection::connect_to_env().ok()?;
        let (globals, mut queue) = registry_queue_init::<State>(&connection).ok()?;
        let handle = queue.handle();
        let seats = seats(&globals, &handle);
        let offers =
            common::offer(&globals, &handle, &seats).or_else(|| wlr::offer(&globals, &handle, &seats));
        let mut state = State { secret: Rc::clone(secret), offers: offers.filter(|offers| *offers > 0)? };
        // The compositor has done all of it when it answers.
        queue.roundtrip(&mut state).ok()?;
        Some(Self { queue, state })
    }

    /// Gives the secret to programs that ask, until another program has copied something or the display is gone.
    pub(super) fn serve(mut self) {
        while self.state.offers > 0 && self.queue.blocking_dispatch(&mut self.state).is_ok() {}
    }
}

impl State {
    /// Writes what a program asks for. It may close its end early.
    fn give(&self, form: &str, to: OwnedFd) {
        let bytes = match form {
            HINT => HINT_VALUE,
            _ if TEXTS.contains(&form) => self.secret.expose_secret().as_bytes(),
            _ => return,
        };
        let _ = rustix::io::ioctl_fionbio(&to, false);
        let _ = File::from(to).write_all(bytes);
    }
}

/// Returns the seats: a keyboard and a pointer each, usually one.
fn seats(globals: &GlobalList, handle: &QueueHandle<State>) -> Vec<WlSeat> {
    globals.contents().with_list(|all| {
        let seats = all.iter().filter(|global| global.interface == WlSeat::interface().name);
        seats.map(|seat| globals.registry().bind(seat.name, 1, handle, ())).collect()
    })
}

impl Dispatch<WlRegistry, GlobalListContents> for State {
    fn event(
        _: &mut Self,
        _: &WlRegistry,
        _: wl_registry::Event,
        _: &GlobalListContents,
        _: &Connection,
        _: &QueueHandle<Self>,
    ) {
    }
}

impl Dispatch<WlSeat, ()> for State {
    fn event(_: &mut Self, _: &WlSeat, _: wl_seat::Event, (): &(), _: &Connection, _: &QueueHandle<Self>) {}
}

/// A module for one name of the protocol.
macro_rules! data_control {
    ($module:ident, $protocol:path, $manager_module:ident, $manager:ident, $device_module:ident, $device:ident,
     $source_module:ident, $source:ident, $offer_module:ident, $offer:ident) => {
        mod $module {
            use wayland_client::globals::GlobalList;
            use wayland_client::protocol::wl_seat::WlSeat;
            use wayland_client::{Connection, Dispatch, QueueHandle, event_created_child};

            use $protocol::{
                $device_module::{self, $device},
                $manager_module::{self, $manager},
                $offer_module::{self, $offer},
                $source_module::{self, $source},
            };

            use super::{HINT, State, TEXTS};

            /// Offers the secret on each seat, and returns the number of seats, or none if the compositor does not
            /// have this protocol.
            pub(super) fn offer(
                globals: &GlobalList,
                handle: &QueueHandle<State>,
                seats: &[WlSeat],
            ) -> Option<usize> {
                let manager: $manager = globals.bind(handle, 1..=1, ()).ok()?;
                for seat in seats {
                    let source = manager.create_data_source(handle, ());
                    // The hint comes last, because some programs take the first form.
                    for form in TEXTS.into_iter().chain([HINT]) {
                        source.offer(form.to_owned());
                    }
                    manager.get_data_device(seat, handle, ()).set_selection(Some(&source));
                }
                Some(seats.len())
            }

            impl Dispatch<$manager, ()> for State {
                fn event(
                    _: &mut Self,
                    _: &$manager,
                    _: $manager_module::Event,
                    (): &(),
                    _: &Connection,
                    _: &QueueHandle<Self>,
                ) {
                }
            }

            impl Dispatch<$device, ()> for State {
                fn event(
                    _: &mut Self,
                    _: &$device,
                    event: $device_module::Event,
                    (): &(),
                    _: &Connection,
                    _: &QueueHandle<Self>,
                ) {
                    // What others offer is not read.
                    if let $device_module::Event::DataOffer { id } = event {
                        id.destroy();
                    }
                }

                event_created_child!(State, $device, [
                    $device_module::EVT_DATA_OFFER_OPCODE => ($offer, ()),
                ]);
            }

            impl Dispatch<$offer, ()> for State {
                fn event(
                    _: &mut Self,
                    _: &$offer,
                    _: $offer_module::Event,
                    (): &(),
                    _: &Connection,
                    _: &QueueHandle<Self>,
                ) {
                }
            }

            impl Dispatch<$source, ()> for State {
                fn event(
                    state: &mut Self,
                    source: &$source,
                    event: $source_module::Event,
                    (): &(),
                    _: &Connection,
                    _: &QueueHandle<Self>,
                ) {
                    match event {
                        $source_module::Event::Send { mime_type, fd } => state.give(&mime_type, fd),
                        $source_module::Event::Cancelled => {
                            source.destroy();
                            state.offers = state.offers.saturating_sub(1);
                        }
                        _ => {}
                    }
                }
            }
        }
    };
}

data_control!(
    common,
    wayland_protocols::ext::data_control::v1::client,
    ext_data_control_manager_v1,
    ExtDataControlManagerV1,
    ext_data_control_device_v1,
    ExtDataControlDeviceV1,
    ext_data_control_source_v1,
    ExtDataControlSourceV1,
    ext_data_control_offer_v1,
    ExtDataControlOfferV1
);

data_control!(
    wlr,
    wayland_protocols_wlr::data_control::v1::client,
    zwlr_data_control_manager_v1,
    ZwlrDataControlManagerV1,
    zwlr_data_control_device_v1,
    ZwlrDataControlDeviceV1,
    zwlr_data_control_source_v1,
    ZwlrDataControlSourceV1,
    zwlr_data_control_offer_v1,
    ZwlrDataControlOfferV1
);
