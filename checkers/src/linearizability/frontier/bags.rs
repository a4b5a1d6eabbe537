//! What a position has used of the unknown operations, as a number, and which of that is counted.

use rustc_hash::FxHashMap;
use smallvec::SmallVec;

/// How many unknown operations of each kind were used, as `(kind, used)` in the order of the kinds.
type Uses = SmallVec<[(u32, u32); 2]>;
/// How many operations were used on each account.
type Balance = SmallVec<[u32; 4]>;

/// What is counted of the uses of unknown operations.
///
/// If all is counted, each kind can be used as often as it was called. Else only some sets of kinds are, their
/// *accounts*: of each set as many can be used as were called, whichever of its kinds they are, and what is on no
/// account can be used as often as one likes, once one of its kind was called. Then more is possible than was.
#[derive(Clone, Debug, Default)]
pub(super) struct Accounts {
    /// Whether all is counted.
    pub all: bool,
    sets: Vec<Vec<u32>>,
}

impl Accounts {
    /// Everything is counted.
    pub fn all() -> Self {
        Self { all: true, sets: Vec::new() }
    }

    /// How many accounts there are.
    pub fn len(&self) -> usize {
        self.sets.len()
    }

    /// Opens an account, and says whether there was none for these kinds.
    pub fn open(&mut self, kinds: Vec<u32>) -> bool {
        let fresh = !self.sets.contains(&kinds);
        if fresh {
            self.sets.push(kinds);
        }
        fresh
    }

    /// Whether the kind has an account of its own.
    fn is_alone(&self, kind: u32) -> bool {
        self.sets.iter().any(|kinds| kinds.as_slice() == [kind])
    }
}

/// Numbers for what was used of the unknown operations.
#[derive(Debug)]
pub(super) struct Bags {
    accounts: Accounts,
    bags: Vec<Uses>,
    sizes: Vec<u32>,
    numbers: FxHashMap<Uses, u32>,
    /// Of each bag, the number of its balance; of each number, the balance.
    standings: Vec<u32>,
    balances: Vec<Balance>,
    balance_numbers: FxHashMap<Balance, u32>,
}

impl Bags {
    pub fn new(accounts: Accounts) -> Self {
        let mut bags = Self {
            accounts,
            bags: Vec::new(),
            sizes: Vec::new(),
            numbers: FxHashMap::default(),
            standings: Vec::new(),
            balances: Vec::new(),
            balance_numbers: FxHashMap::default(),
        };
        bags.number(Uses::new());
        bags
    }

    pub fn used(&self, bag: u32, kind: u32) -> u32 {
        self.bags[bag as usize].iter().find(|uses| uses.0 == kind).map_or(0, |uses| uses.1)
    }

    /// How many operations were used in all.
    pub fn size(&self, bag: u32) -> u32 {
        self.sizes[bag as usize]
    }

    /// A number for what is counted of the bag.
    pub fn standing(&self, bag: u32) -> u32 {
        if self.accounts.all { bag } else { self.standings[bag as usize] }
    }

    fn number(&mut self, uses: Uses) -> u32 {
        if let Some(&known) = self.numbers.get(&uses) {
            return known;
        }
        let fresh = u32::try_from(self.bags.len()).expect("fewer bags than memory has bytes");
        if !self.accounts.all {
            let used_of = |kinds: &Vec<u32>| {
                uses.iter().filter(|(kind, _)| kinds.contains(kind)).map(|(_, used)| *used).sum::<u32>()
            };
            let balance: Balance = self.accounts.sets.iter().map(used_of).collect();
            let next = u32::try_from(self.balances.len()).expect("fewer balances than bags");
            let balances = &mut self.balances;
            let number = *self.balance_numbers.entry(balance).or_insert_with_key(|balance| {
                balances.push(balance.clone());
                next
            });
            self.standings.push(number);
        }
        self.sizes.push(uses.iter().map(|uses| uses.1).sum());
        self.bags.push(uses.clone());
        self.numbers.insert(uses, fresh);
        fresh
    }

    pub fn with_one(&mut self, bag: u32, kind: u32) -> u32 {
        let mut uses = self.bags[bag as usize].clone();
        match uses.binary_search_by_key(&kind, |uses| uses.0) {
            Ok(place) => uses[place].1 += 1,
            Err(place) => uses.insert(place, (kind, 1)),
        }
        self.number(uses)
    }

    pub fn without(&mut self, bag: u32, kinds: &[u32]) -> u32 {
        if bag == 0 || kinds.is_empty() {
            return bag;
        }
        let mut uses = self.bags[bag as usize].clone();
        uses.retain(|(kind, _)| !kinds.contains(kind));
        self.number(uses)
    }

    /// Whether nothing that is counted was used more than in the other.
    pub fn within(&self, bag: u32, other: u32) -> bool {
        if bag == other {
            return true;
        }
        if self.accounts.all {
            return self.sizes[bag as usize] <= self.sizes[other as usize]
                && self.bags[bag as usize].iter().all(|&(kind, used)| used <= self.used(other, kind));
        }
        let (one, other) = (self.standing(bag), self.standing(other));
        one == other
            || self.balances[one as usize]
                .iter()
                .zip(&self.balances[other as usize])
                .all(|(mine, theirs)| mine <= theirs)
    }

    /// Whether one more of the kind may be used, so many of it having been called; `called` says how many of another.
    pub fn allows(&self, bag: u32, kind: u32, of_kind: u32, called: impl Fn(u32) -> u32) -> bool {
        let used = self.used(bag, kind);
        if self.accounts.all {
            return used < of_kind;
        }
        if of_kind == 0 || (used >= of_kind && self.accounts.is_alone(kind)) {
            return false;
        }
        let balance = &self.balances[self.standings[bag as usize] as usize];
        self.accounts.sets.iter().zip(balance).all(|(kinds, &used)| {
            !kinds.contains(&kind) || used < kinds.iter().map(|&kind| called(kind)).sum::<u32>()
        })
    }

    pub fn bytes(&self) -> u64 {
        let balances = self.balances.len() as u64 * (2 * size_of::<Balance>() as u64 + 8);
        self.bags.len() as u64 * (2 * size_of::<Uses>() as u64 + 20) + balances
    }
}
