import numpy as np

from pairsift.curation.samples import EmbeddingSample, sample_embeddings
from pairsift.runs import ShardEmbeddings


def shards(num: int, size: int, *, file: int = 0) -> list[ShardEmbeddings]:
    rows = np.arange(num, dtype=np.int64)
    images = np.stack([rows, np.full(num, file)], axis=1).astype(np.float32)
    return [
        ShardEmbeddings(file, rows[at : at + size], images[at : at + size], -images[at : at + size])
        for at in range(0, num, size)
    ]


def chosen(sample: EmbeddingSample) -> list[tuple[int, int]]:
    return list(zip(sample.files.tolist(), sample.rows.tolist(), strict=True))


def test_few_rows_are_all_kept_in_order() -> None:
    sample = sample_embeddings(shards(10, 3), max_rows=10, seed=0)
    assert sample.rows.tolist() == list(range(10))
    assert sample.num_rows == 10


def test_rows_bring_their_own_embeddings() -> None:
    both = shards(500, 70) + shards(300, 70, file=1)
    sample = sample_embeddings(both, max_rows=60, seed=1)
    assert len(sample) == 60
    assert sample.num_rows == 800
    assert sample.images[:, 0].tolist() == sample.rows.tolist()
    assert sample.images[:, 1].tolist() == sample.files.tolist()
    assert np.array_equal(sample.captions, -sample.images)
    assert chosen(sample) == sorted(chosen(sample))


def test_the_shards_do_not_matter() -> None:
    samples = [
        sample_embeddings(parts, max_rows=50, seed=3)
        for parts in (shards(1000, 1000), shards(1000, 13), shards(1000, 300)[::-1])
    ]
    assert chosen(samples[0]) == chosen(samples[1]) == chosen(samples[2])


def test_seeds_and_files_choose_differently() -> None:
    first, other = (sample_embeddings(shards(1000, 100), max_rows=50, seed=seed) for seed in (1, 2))
    elsewhere = sample_embeddings(shards(1000, 100, file=1), max_rows=50, seed=1)
    assert len(set(first.rows) & set(other.rows)) < 15
    assert len(set(first.rows) & set(elsewhere.rows)) < 15


def test_each_row_has_the_same_chance() -> None:
    counts = np.zeros(200)
    for seed in range(300):
        counts[sample_embeddings(shards(200, 50), max_rows=20, seed=seed).rows] += 1
    assert counts.sum() == 300 * 20
    # 30 are expected of each row, with a standard deviation of 5.2.
    assert counts.min() >= 8
    assert counts.max() <= 55
    halves = counts.reshape(2, 100).sum(axis=1)
    assert abs(halves[0] - halves[1]) < 250


def test_no_embeddings() -> None:
    sample = sample_embeddings([], max_rows=5, seed=0)
    assert (len(sample), sample.num_rows) == (0, 0)
