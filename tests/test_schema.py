from pairsift import schema


def test_columns_by_measure() -> None:
    plain = schema.output_schema(is_distance=False, is_cosine=True, details=False)
    assert plain.names == ["similarity", "similarity_status", "similarity_error"]
    scaled = schema.output_schema(is_distance=False, is_cosine=False, details=False)
    assert scaled.names == ["similarity", "cosine", "similarity_status", "similarity_error"]
    distance = schema.output_schema(is_distance=True, is_cosine=False, details=True)
    assert distance.names[:2] == ["similarity", "distance"]
    assert distance.names[-1] == "image_sha256"
