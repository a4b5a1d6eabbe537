//! Who runs the processes of a node.

use std::{ffi::OsStr, io};

use nix::unistd::{Gid, Uid, setgroups, setresgid, setresuid};
use serde::{Deserialize, Serialize};

use super::capabilities;

/// The user that no file belongs to.
const NOBODY: u32 = 65534;

/// A user and a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Identity {
    /// The user.
    pub uid: u32,
    /// The group.
    pub gid: u32,
}

impl Identity {
    /// Who we are.
    pub(super) fn ours() -> Self {
        Self { uid: Uid::effective().as_raw(), gid: Gid::effective().as_raw() }
    }

    /// Who the processes of a node are to be, where that differs from who we are: real root hands them to the user behind
    /// `sudo`, or to nobody. Everyone else keeps their own name, which is all that a user namespace of theirs maps.
    pub(super) fn of_nodes(sudo_uid: Option<&OsStr>, sudo_gid: Option<&OsStr>) -> Option<Self> {
        if !Uid::effective().is_root() {
            return None;
        }
        let number = |text: Option<&OsStr>| text?.to_str()?.parse::<u32>().ok().filter(|id| *id != 0);
        let uid = number(sudo_uid).unwrap_or(NOBODY);
        let gid = if uid == NOBODY { NOBODY } else { number(sudo_gid).unwrap_or(uid) };
        (is_mapped("uid", uid) && is_mapped("gid", gid)).then_some(Self { uid, gid })
    }
}

/// Whether the user namespace we are in knows an id; in a container that has only a root it does not.
fn is_mapped(kind: &str, id: u32) -> bool {
    let Ok(map) = std::fs::read_to_string(format!("/proc/self/{kind}_map")) else { return false };
    map.lines().any(|line| {
        let mut numbers = line.split_whitespace().filter_map(|number| number.parse::<u64>().ok());
        let (Some(first), Some(_), Some(count)) = (numbers.next(), numbers.next(), numbers.next()) else {
            return false;
        };
        (first..first + count).contains(&u64::from(id))
    })
}

/// Becomes an ordinary process of a node: that user, no capabilities, and no way to gain any.
pub(super) fn step_down(identity: Option<Identity>) -> io::Result<()> {
    if let Some(Identity { uid, gid }) = identity {
        // The bounding set can only be emptied while we still may, and changing the user takes the capabilities away.
        let (uid, gid) = (Uid::from_raw(uid), Gid::from_raw(gid));
        setgroups(&[])?;
        setresgid(gid, gid, gid)?;
        capabilities::keep_across_user_change()?;
        setresuid(uid, uid, uid)?;
        capabilities::regain()?;
    }
    capabilities::drop_all()
}
