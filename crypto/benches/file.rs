//! A file's chunk sealed and opened: `cargo bench -p solo2-crypto --bench file`.
//!
//! Bar: 1 GiB/s each, so that no link waits for the cipher: 61 µs for 64 KiB.

use divan::Bencher;
use divan::counter::BytesCount;
use solo2_crypto::file::{CHUNK_LEN, ChunkCipher, Sealer, TAG_LEN};
use solo2_crypto::secret::Secret;

fn main() {
    divan::main();
}

fn chunk() -> Vec<u8> {
    let mut chunk = Vec::with_capacity(CHUNK_LEN + TAG_LEN);
    chunk.resize(CHUNK_LEN, 7);
    chunk
}

#[divan::bench]
fn seal_chunk(bencher: Bencher<'_, '_>) {
    let mut sealer = Sealer::new(Secret::new(&[1; 32]));
    bencher
        .counter(BytesCount::new(CHUNK_LEN))
        .with_inputs(chunk)
        .bench_local_values(|mut chunk| {
            sealer.seal(&mut chunk, false).expect("a chunk");
            chunk
        });
}

#[divan::bench]
fn open_chunk(bencher: Bencher<'_, '_>) {
    let cipher = ChunkCipher::new(&Secret::new(&[1; 32]));
    let mut sealed = chunk();
    cipher.seal_at(0, false, &mut sealed).expect("a chunk");
    bencher
        .counter(BytesCount::new(CHUNK_LEN))
        .with_inputs(|| sealed.clone())
        .bench_local_values(|mut sealed| {
            cipher.open_at(0, false, &mut sealed).expect("our chunk");
            sealed
        });
}
