//! Whole processes of Strongroom beside those of other tools, in one run: what `scripts/peers.sh`
//! calls. It needs nothing but std, so that the script can build it alone, in seconds.
//!
//! Rounds are interleaved: each measures every task of a group once, so that a busy moment of the
//! machine falls on all of them. Medians are compared, as ratios where there is something to
//! compare with. It prints a table and judges nothing but the aims.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Rounds that are not counted.
const WARM_UP: usize = 3;
const VARIABLES: [&str; 5] = ["STRONGROOM", "KBS2", "RAGE", "SCRATCH", "ROUNDS"];

fn main() {
    let [strongroom, kbs2, rage, scratch, rounds] = VARIABLES.map(|name| std::env::var(name).ok());
    let (Some(strongroom), Some(kbs2), Some(rage), Some(scratch)) = (strongroom, kbs2, rage, scratch) else {
        println!("peers: run scripts/peers.sh, which builds what is compared");
        return;
    };
    let place = Place {
        strongroom: strongroom.into(),
        kbs2: kbs2.into(),
        rage: rage.into(),
        scratch: scratch.into(),
        rounds: rounds.and_then(|text| text.parse().ok()).unwrap_or(60),
    };
    place.measure();
}

/// What a round runs.
enum Task {
    Process(Process),
    /// Two files replaced as durably as can be: what a durable write cannot be faster than.
    TwoReplaces(PathBuf),
}

#[derive(Clone)]
struct Process {
    program: PathBuf,
    args: Vec<String>,
    env: Vec<(&'static str, PathBuf)>,
    stdin: Option<PathBuf>,
}

impl Process {
    fn new(program: &Path, args: &[&str]) -> Self {
        let args = args.iter().map(ToString::to_string).collect();
        Self { program: program.to_owned(), args, env: Vec::new(), stdin: None }
    }

    fn env(mut self, name: &'static str, value: impl Into<PathBuf>) -> Self {
        self.env.push((name, value.into()));
        self
    }

    fn stdin(mut self, file: impl Into<PathBuf>) -> Self {
        self.stdin = Some(file.into());
        self
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.args(&self.args).env_clear().envs(self.env.iter().map(|(name, value)| (name, value)));
        command.stdout(Stdio::null()).stderr(Stdio::null()).stdin(match &self.stdin {
            Some(file) => Stdio::from(File::open(file).expect("standard input")),
            None => Stdio::null(),
        });
        command
    }

    /// Runs it; a task that fails measures nothing.
    fn run(&self) {
        let status = self.command().status().expect("a program that runs");
        assert!(status.success(), "{} {:?} failed: {status}", self.program.display(), self.args);
    }

    fn output(&self) -> String {
        let output = self.command().stdout(Stdio::piped()).stderr(Stdio::piped()).output().unwrap();
        assert!(output.status.success(), "{:?}: {}", self.args, String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// The most memory it held at once, in KiB, as GNU time has it from the kernel.
    fn peak_kib(&self, scratch: &Path) -> f64 {
        let said = scratch.join("time");
        let mut timed = self.clone();
        timed.program = "/usr/bin/time".into();
        timed.args = ["-f", "%M", "-o"].map(str::to_owned).to_vec();
        timed.args.extend([said.display().to_string(), self.program.display().to_string()]);
        timed.args.extend(self.args.iter().cloned());
        let mut peaks: Vec<f64> = (0..5)
            .map(|_| {
                timed.run();
                fs::read_to_string(&said).unwrap().trim().parse().unwrap()
            })
            .collect();
        median(&mut peaks)
    }
}

impl Task {
    fn run(&self) {
        match self {
            Self::Process(process) => process.run(),
            Self::TwoReplaces(dir) => (0..2).for_each(|n| replace(dir, &format!("file-{n}"))),
        }
    }
}

/// A bare durable replace: write, fsync, rename, fsync of the directory.
fn replace(dir: &Path, name: &str) {
    let staged = dir.join("staged");
    let mut file = File::create(&staged).unwrap();
    file.write_all(&[b'x'; 600]).unwrap();
    file.sync_all().unwrap();
    fs::rename(&staged, dir.join(name)).unwrap();
    File::open(dir).unwrap().sync_all().unwrap();
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Milliseconds of each task: the median over interleaved rounds.
fn interleaved<const N: usize>(rounds: usize, tasks: &[Task; N]) -> [f64; N] {
    let mut times = [const { Vec::new() }; N];
    for round in 0..WARM_UP + rounds {
        for (task, times) in tasks.iter().zip(&mut times) {
            let begun = Instant::now();
            task.run();
            if round >= WARM_UP {
                times.push(milliseconds(begun.elapsed()));
            }
        }
    }
    times.map(|mut times| median(&mut times))
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

struct Place {
    strongroom: PathBuf,
    kbs2: PathBuf,
    rage: PathBuf,
    scratch: PathBuf,
    rounds: usize,
}

impl Place {
    fn path(&self, name: &str) -> PathBuf {
        self.scratch.join(name)
    }

    fn file(&self, name: &str, contents: &str) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, contents).unwrap();
        path
    }

    /// A command in the vault of that name, unlocked by its key file.
    fn vault(&self, vault: &str, args: &[&str]) -> Process {
        Process::new(&self.strongroom, args)
            .env("HOME", &self.scratch)
            .env("STRONGROOM_HOME", self.path(vault))
            .env("STRONGROOM_KEY_FILE", self.path("key"))
    }

    /// A vault of that many profiles.
    fn stock(&self, vault: &str, profiles: usize) {
        self.vault(vault, &["init", "--store", "file", "--unlock", "key-file"]).run();
        if profiles > 0 {
            self.vault(vault, &["import", "-"]).stdin(self.import_file(profiles)).run();
        }
    }

    /// An `auth-profiles.json` of OpenClaw's with that many setup-tokens in plain text.
    fn import_file(&self, profiles: usize) -> PathBuf {
        let mut text = String::from("{\"version\":1,\"profiles\":{");
        for n in 0..profiles {
            let comma = if n == 0 { "" } else { "," };
            let _ = write!(
                text,
                "{comma}\n\"anthropic:account-{n:05}\":{{\"type\":\"token\",\"provider\":\"anthropic\",\"token\":\"sk-ant-oat01-{n:095}\",\"expires\":4102444800000}}"
            );
        }
        text.push_str("}}\n");
        self.file(&format!("import-{profiles}.json"), &text)
    }

    fn request(&self, ids: usize) -> PathBuf {
        let ids: Vec<String> = (0..ids).map(|n| format!("\"main/anthropic:account-{n:05}\"")).collect();
        let text =
            format!("{{\"protocolVersion\":1,\"provider\":\"strongroom\",\"ids\":[{}]}}", ids.join(","));
        self.file(&format!("request-{}.json", ids.len()), &text)
    }

    fn kbs2(&self, store: &str, args: &[&str]) -> Process {
        let config = self.path(&format!("{store}-config"));
        let args: Vec<&str> = ["-c", config.to_str().unwrap()].iter().chain(args).copied().collect();
        Process::new(&self.kbs2, &args).env("HOME", &self.scratch)
    }

    /// A kbs2 store of that many records, its key in the clear.
    fn stock_kbs2(&self, store: &str, records: usize) {
        let dir = self.path(store);
        self.kbs2(store, &["init", "--insecure-not-wrapped", "-s", dir.to_str().unwrap()]).run();
        for n in 0..records {
            let value = self.file("kbs2-value", &format!("TOKEN\u{1}sk-ant-oat01-{n:095}"));
            let label = format!("account-{n:05}");
            self.kbs2(store, &["new", "-t", "-k", "environment", &label]).stdin(value).run();
        }
    }

    fn measure(&self) {
        eprintln!("peers: filling the stores");
        let token = self.file("token", &format!("sk-ant-oat01-{:095}\n", 7));
        self.stock("one", 1);
        self.stock("thousand", 1_000);
        self.stock("ten-thousand", 10_000);
        self.stock_kbs2("kbs2-one", 1);
        self.stock_kbs2("kbs2-thousand", 1_000);
        self.read_one(&token);
        self.lists();
        self.resolve_many();
        self.import_many();
        self.paste(&token);
        self.passphrase();
        self.sizes();
    }

    fn read_one(&self, token: &Path) {
        let sealed = self.path("token.age");
        let identity = self.path("identity");
        let keygen = self.rage.with_file_name("rage-keygen");
        let to = |path: &Path| path.to_str().unwrap().to_owned();
        Process::new(&keygen, &["-o", &to(&identity)]).run();
        let recipient = Process::new(&keygen, &["-y", &to(&identity)]).output();
        Process::new(&self.rage, &["-r", recipient.trim(), "-o", &to(&sealed), &to(token)]).run();

        let resolve = self.vault("one", &["resolve"]).stdin(self.request(1));
        assert!(resolve.output().contains("sk-ant-oat01-"), "the request is answered");
        let tasks = [
            Process::new(Path::new("/bin/true"), &[]),
            self.vault("one", &["--version"]),
            self.kbs2("kbs2-one", &["--version"]),
            self.vault("one", &["get", "anthropic:account-00000"]),
            resolve.clone(),
            self.kbs2("kbs2-one", &["env", "account-00000"]),
            Process::new(&self.rage, &["-d", "-i", &to(&identity), &to(&sealed)]),
            self.vault("thousand", &["resolve"]).stdin(self.request(1)),
            self.vault("ten-thousand", &["resolve"]).stdin(self.request(1)),
        ]
        .map(Task::Process);
        let [floor, version, kbs2_version, get, one, kbs2, rage, of_1000, of_10_000] =
            interleaved(self.rounds, &tasks);
        println!(
            "Process floor: /bin/true {floor:.2} ms; --version: strongroom {version:.2} ms, kbs2 {kbs2_version:.2} ms.\n"
        );
        println!("| what | aim | measured | verdict |\n|---|---|---|---|");
        let beside = |ms: f64| {
            format!(
                "{ms:.2} ms = {:.2} × kbs2 env ({kbs2:.2} ms), {:.2} × rage -d ({rage:.2} ms)",
                ms / kbs2,
                ms / rage
            )
        };
        row("resolve 1 id", "≤ kbs2 env", &beside(one), one <= kbs2);
        row("get", "≤ kbs2 env", &beside(get), get <= kbs2);
        println!("| resolve 1 id of 1,000; of 10,000 | | {of_1000:.2} ms; {of_10_000:.2} ms | |");
        let peak = resolve.peak_kib(&self.scratch);
        let peak_of_kbs2 = self.kbs2("kbs2-one", &["env", "account-00000"]).peak_kib(&self.scratch);
        let told = format!("{} (kbs2 env {})", mb(peak), mb(peak_of_kbs2));
        row("resolve 1 id: peak RSS", "≤ 6 MB", &told, peak <= 6.0 * 1024.0);
    }

    fn lists(&self) {
        let tasks = [
            self.vault("thousand", &["list"]),
            self.vault("ten-thousand", &["list"]),
            self.vault("thousand", &["status"]),
            self.vault("ten-thousand", &["status"]),
            self.vault("one", &["list"]),
            self.kbs2("kbs2-thousand", &["list"]),
        ]
        .map(Task::Process);
        let [list, list_10, status, status_10, empty, kbs2] = interleaved(self.rounds / 2, &tasks);
        let beside = |ms: f64| format!("{ms:.2} ms = {:.2} × kbs2 list ({kbs2:.2} ms)", ms / kbs2);
        row("list 1,000", "≤ 4 ms", &beside(list), list <= 4.0);
        row("status 1,000", "≤ 4 ms", &beside(status), status <= 4.0);
        // Without the start of the process, ten times the profiles may take ten times as long.
        for (what, small, large) in [("list", list, list_10), ("status", status, status_10)] {
            let growth = (large - empty) / (small - empty);
            let told = format!("{large:.1} ms, without the process's start {growth:.1} × that of 1,000");
            row(&format!("{what} 10,000"), "linear (≤ 12 ×)", &told, growth <= 12.0);
        }
    }

    fn resolve_many(&self) {
        let resolve = self.vault("thousand", &["resolve"]).stdin(self.request(512));
        assert_eq!(resolve.output().matches("sk-ant-oat01-").count(), 512, "the request is answered");
        let peak = resolve.peak_kib(&self.scratch);
        let [ms] = interleaved(self.rounds / 2, &[Task::Process(resolve)]);
        row("resolve 512 ids", "≤ 25 ms", &format!("{ms:.1} ms ({})", mb(peak)), ms <= 25.0);
    }

    fn import_many(&self) {
        let file = self.import_file(10_000);
        let mut times: Vec<f64> = (0..3)
            .map(|n| {
                let vault = format!("import-{n}");
                self.stock(&vault, 0);
                let import = self.vault(&vault, &["import", "-"]).stdin(&file);
                let begun = Instant::now();
                import.run();
                // It stays: in place of many files just removed, ext4 is slow to make new ones.
                milliseconds(begun.elapsed())
            })
            .collect();
        let seconds = median(&mut times) / 1000.0;
        row("import of 10,000", "≤ 2 s, one transaction", &format!("{seconds:.2} s"), seconds <= 2.0);
    }

    fn paste(&self, token: &Path) {
        let dir = self.path("replaces");
        fs::create_dir(&dir).unwrap();
        let args = ["models", "auth", "paste-token", "--provider", "anthropic"];
        let tasks = [
            Task::Process(self.vault("one", &args).stdin(token)),
            Task::Process(self.vault("thousand", &args).stdin(token)),
            Task::Process(self.vault("one", &["get", "anthropic:account-00000"])),
            Task::TwoReplaces(dir),
        ];
        let [one, thousand, get, bare] = interleaved(self.rounds, &tasks);
        // On a fast disk the start of the process, which `get` has too, outweighs the writing.
        for (what, ms) in [
            ("durable paste", one),
            ("durable paste, less get", one - get),
            ("durable paste at 1,000", thousand),
        ] {
            let told = format!("{ms:.2} ms = {:.2} × two bare durable replaces ({bare:.2} ms)", ms / bare);
            row(what, "≤ 2 ×", &told, ms <= 2.0 * bare);
        }
    }

    fn passphrase(&self) {
        use std::os::unix::fs::PermissionsExt;
        let file = self.file("passphrase", "correct horse battery staple\n");
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
        let command = |args: &[&str]| {
            Process::new(&self.strongroom, args)
                .env("HOME", &self.scratch)
                .env("STRONGROOM_HOME", self.path("by-passphrase"))
                .env("STRONGROOM_PASSPHRASE_FILE", &file)
        };
        command(&["init", "--store", "file", "--unlock", "passphrase"]).run();
        command(&["import", "-"]).stdin(self.import_file(1)).run();
        let get = command(&["get", "anthropic:account-00000"]);
        let peak = get.peak_kib(&self.scratch);
        let [ms] = interleaved((self.rounds / 6).max(3), &[Task::Process(get)]);
        row("passphrase unlock (get)", "≤ 250 ms", &format!("{ms:.0} ms"), ms <= 250.0);
        row("passphrase unlock: peak RSS", "≤ 80 MB", &mb(peak), peak <= 80.0 * 1024.0);
    }

    fn sizes(&self) {
        #[allow(clippy::cast_precision_loss)] // No program is that large.
        let size = |path: &Path| fs::metadata(path).unwrap().len() as f64 / 1024.0;
        let own = size(&self.strongroom);
        let told = format!("{} (kbs2 {}, rage {})", mb(own), mb(size(&self.kbs2)), mb(size(&self.rage)));
        row("binary, stripped", "≤ 8 MB", &told, own <= 8.0 * 1024.0);
    }
}

fn mb(kib: f64) -> String {
    format!("{:.1} MB", kib / 1024.0)
}

fn row(what: &str, aim: &str, measured: &str, met: bool) {
    println!("| {what} | {aim} | {measured} | {} |", if met { "met" } else { "MISSED" });
}
