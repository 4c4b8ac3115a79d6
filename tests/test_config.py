import pickle

from pairsift.config import ScoreConfig, describe


def test_a_config_is_frozen_hashable_and_picklable() -> None:
    config = ScoreConfig()
    assert pickle.loads(pickle.dumps(config)) == config  # noqa: S301 - our own bytes
    assert hash(config) == hash(ScoreConfig())


def test_describe_is_plain_data() -> None:
    plain = describe(ScoreConfig())
    assert plain["model"]["model"] == "siglip2-base-patch32-256"
    assert plain["table"]["limit"] is None
