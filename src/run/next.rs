//! The whole machine as a pure function: what a run must do next, from what has happened so far.
//!
//! Four rules. While nothing failed, every step whose needs are done may begin. After a failure
//! nothing begins, and what began is undone, last first. Once a settling step is done nothing is
//! undone any more: a failure behind it ends the run where it stands. When nothing is left, close.

/// What has happened to one step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// Nothing yet.
    Waiting,
    /// It began and has not ended.
    Running,
    /// It is done.
    Done,
    /// It began and was cut short or failed; its effects are unknown.
    Broken,
    /// Its effects are gone.
    Undone,
}

/// What must happen now.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// Begin these steps; there may be none, while others run.
    Begin(Vec<usize>),
    /// Undo this step.
    Undo(usize),
    /// The run is over.
    Close,
}

/// Says what must happen now.
///
/// `needs[i]` are the steps that step `i` stands on, `settles[i]` whether it is a point of no
/// return. `failed` is whether any step failed or the run was interrupted.
pub(super) fn next(states: &[State], needs: &[Vec<usize>], settles: &[bool], failed: bool) -> Next {
    let is = |step: usize, state: State| states.get(step) == Some(&state);
    let settled =
        (0..states.len()).any(|step| settles.get(step) == Some(&true) && is(step, State::Done));
    if failed {
        if settled {
            return Next::Close;
        }
        return (0..states.len())
            .rev()
            .find(|step| is(*step, State::Done) || is(*step, State::Broken))
            .map_or(Next::Close, Next::Undo);
    }
    let ready: Vec<usize> = (0..states.len())
        .filter(|step| is(*step, State::Waiting))
        .filter(|step| {
            needs.get(*step).is_none_or(|needs| needs.iter().all(|need| is(*need, State::Done)))
        })
        .collect();
    if ready.is_empty() && !states.contains(&State::Running) {
        Next::Close
    } else {
        Next::Begin(ready)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A run of a random plan in which `broken` fails, carried through by the rules alone.
    fn carry(needs: &[Vec<usize>], settles: &[bool], broken: Option<usize>) -> Vec<State> {
        let mut states = vec![State::Waiting; needs.len()];
        let mut failed = false;
        for _ in 0..=needs.len() * 3 {
            match next(&states, needs, settles, failed) {
                Next::Begin(steps) => {
                    for step in steps {
                        states[step] = if Some(step) == broken {
                            failed = true;
                            State::Broken
                        } else {
                            State::Done
                        };
                    }
                }
                Next::Undo(step) => states[step] = State::Undone,
                Next::Close => return states,
            }
        }
        panic!("never closed: {states:?}");
    }

    proptest! {
        #[test]
        fn every_plan_ends_and_leaves_all_or_nothing(
            size in 1_usize..9,
            edges in prop::collection::vec((0_usize..9, 0_usize..9), 0..16),
            settling in prop::option::of(0_usize..9),
            broken in prop::option::of(0_usize..9),
        ) {
            let mut needs = vec![Vec::new(); size];
            for (from, to) in edges {
                if from < to && to < size {
                    needs[to].push(from);
                }
            }
            let settles: Vec<bool> = (0..size).map(|step| Some(step) == settling).collect();
            let broken = broken.filter(|step| *step < size);
            let end = carry(&needs, &settles, broken);
            let settled = settling.is_some_and(|step| step < size && end[step] == State::Done);
            if broken.is_none() {
                prop_assert!(end.iter().all(|state| *state == State::Done));
            } else if !settled {
                prop_assert!(end.iter().all(|s| matches!(s, State::Undone | State::Waiting)));
            }
        }
    }

    #[test]
    fn undo_goes_backwards_and_takes_the_broken_step_along() {
        let states = [State::Done, State::Done, State::Broken, State::Waiting];
        let needs = [vec![], vec![0], vec![1], vec![2]];
        assert_eq!(next(&states, &needs, &[false; 4], true), Next::Undo(2));
    }

    #[test]
    fn behind_the_point_of_no_return_nothing_is_undone() {
        let states = [State::Done, State::Done, State::Broken];
        assert_eq!(next(&states, &vec![vec![]; 3], &[false, true, false], true), Next::Close);
    }
}
