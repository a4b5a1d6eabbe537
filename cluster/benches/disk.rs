//! What a disk that faults can strike costs while nothing strikes it: a load that writes and syncs, on a node whose data
//! folder is a plain one and on one whose data folder is served.
//!
//!     cargo bench -p disprove-cluster --bench disk

#[cfg(not(target_os = "linux"))]
fn main() {
    println!("disks that can be struck need Linux");
}

#[cfg(target_os = "linux")]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    linux::main()
}

#[cfg(target_os = "linux")]
mod linux {
    use std::{
        error::Error,
        fs::{File, OpenOptions},
        io::Write,
        os::unix::fs::FileExt,
        time::{Duration, Instant},
    };

    use disprove_cluster::local::{Entered, LocalCluster, LocalSpec, enter};

    /// How long each load goes on.
    const LASTS: Duration = Duration::from_secs(2);
    /// How often each pair is measured; the best counts, since anything else on the machine only ever slows it down.
    const ROUNDS: usize = 3;
    /// The name that the load is told by.
    const LOAD: &str = "load";

    /// One kind of load: its name, and what it does once to a file.
    type Kind = (&'static str, fn(&mut File, u64) -> std::io::Result<()>);

    const KINDS: [Kind; 4] = [
        ("append 128 B, sync each", |file, _| {
            file.write_all(&[7; 128])?;
            file.sync_data()
        }),
        ("append 4 KiB, sync each", |file, _| {
            file.write_all(&[7; 4096])?;
            file.sync_data()
        }),
        ("overwrite 8 KiB of 16 MiB, sync each", |file, number| {
            file.write_all_at(&[number as u8; 8192], number * 7919 % 2048 * 8192)?;
            file.sync_data()
        }),
        ("append 4 KiB, sync each 64th", |file, number| {
            file.write_all(&[7; 4096])?;
            if number.is_multiple_of(64) { file.sync_data() } else { Ok(()) }
        }),
    ];

    /// The load itself, as a command on a node; it prints how often a second.
    fn load(kind: usize) -> std::io::Result<()> {
        let mut file = OpenOptions::new().create(true).append(kind != 2).write(true).open("bench")?;
        file.set_len(if kind == 2 { 16 << 20 } else { 0 })?;
        file.sync_all()?;
        let began = Instant::now();
        let mut done = 0;
        while began.elapsed() < LASTS {
            KINDS[kind].1(&mut file, done)?;
            done += 1;
        }
        println!("{}", done as f64 / began.elapsed().as_secs_f64());
        std::fs::remove_file("bench")
    }

    async fn measure(kind: usize, disks: bool, folder: &std::path::Path) -> Result<f64, Box<dyn Error>> {
        let spec =
            LocalSpec { nodes: vec!["n1".into()], directory: folder.into(), disks, ..LocalSpec::default() };
        let cluster = LocalCluster::start(spec).await?;
        let node = cluster.cluster().nodes.remove(0);
        if disks {
            node.remote()?.disk()?;
        }
        let program = folder.join("program").to_string_lossy().into_owned();
        let kind = kind.to_string();
        let output = node.remote()?.exec(&[&program, LOAD, &kind], b"", 10 * LASTS).await?;
        cluster.stop().await?;
        let said = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        said.parse().map_err(|_| format!("{said}{}", String::from_utf8_lossy(&output.stderr)).into())
    }

    pub fn main() -> Result<(), Box<dyn Error>> {
        let arguments: Vec<String> = std::env::args().collect();
        if let [_, load_name, kind] = arguments.as_slice()
            && load_name == LOAD
        {
            return Ok(load(kind.parse()?)?);
        }
        if let Entered::Finished(code) = enter()? {
            std::process::exit(code);
        }
        let folder = std::env::temp_dir().join(format!("disprove-bench-disk-{}", std::process::id()));
        std::fs::create_dir_all(&folder)?;
        std::fs::copy("/proc/self/exe", folder.join("program"))?;
        println!("{:<40} {:>12} {:>12} {:>8}", "load", "plain /s", "served /s", "served");
        let runtime = tokio::runtime::Runtime::new()?;
        for (kind, (name, _)) in KINDS.iter().enumerate() {
            let mut best = [0_f64; 2];
            for _ in 0..ROUNDS {
                for (place, disks) in [false, true].into_iter().enumerate() {
                    best[place] = best[place].max(runtime.block_on(measure(kind, disks, &folder))?);
                }
            }
            println!("{name:<40} {:>12.0} {:>12.0} {:>7.2}x", best[0], best[1], best[1] / best[0]);
        }
        std::fs::remove_dir_all(&folder)?;
        Ok(())
    }
}
