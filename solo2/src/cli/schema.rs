//! `solo2 schema`: what the JSON Lines hold.

use clap::Args;

use super::Outcome;
use crate::context::Context;
use crate::error::{Failure, Kind};
use crate::event;
use crate::output::Text;

/// Print the JSON Schema of the events, of one type or of all
#[derive(Args)]
pub(crate) struct Schema {
    /// A type, such as message
    #[arg(value_name = "TYPE")]
    kind: Option<String>,
}

impl Schema {
    pub(crate) fn run(self, cx: &Context) -> Outcome {
        let Some(schema) = event::schema(self.kind.as_deref()) else {
            let known: Vec<_> = event::types().collect();
            return Err(Failure::new(Kind::Usage, "there is no such type")
                .hint(format!("the types are {}", known.join(", "))));
        };
        if cx.out.is_json() {
            cx.out.object(&schema)?;
        } else {
            let pretty = format!("{schema:#}");
            cx.out.text(&Text::new().body(&pretty))?;
        }
        Ok(0)
    }
}
