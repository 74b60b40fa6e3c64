"""huggingface_hub's InferenceClient with the daemon's address as its model."""
import asyncio
import math

from huggingface_hub import AsyncInferenceClient, InferenceClient
from huggingface_hub.errors import HfHubHTTPError, ValidationError

from native import SEVEN, SINGLE_URL, TEXT, URL, classes, generate, passed, predict, same


def client(model):
    return InferenceClient(model=f"{URL}/hf/{model}")


def scores(elements):
    return [(element.label, element.score) for element in elements]


def own(top_k=5):
    return [(entry["label"], entry["probability"]) for entry in classes(top_k=top_k)]


digits = client("digits")
same(scores(digits.image_classification(str(SEVEN))), own(), "a path")
same(scores(digits.image_classification(SEVEN.read_bytes())), own(), "bytes")
same(scores(digits.image_classification(SEVEN.read_bytes(), top_k=3)), own(3), "base64 with top_k")
same(scores(InferenceClient(model=SINGLE_URL).image_classification(str(SEVEN))), own(), "the only model")
logits = [(entry["label"], entry["logit"]) for entry in classes()]
same(scores(digits.image_classification(str(SEVEN), function_to_apply="none", top_k=5)), logits, "logits")
same(scores(digits.image_classification(str(SEVEN), function_to_apply="softmax", top_k=5)), own(), "softmax")
for (label, score), (_, logit) in zip(
        scores(digits.image_classification(str(SEVEN), function_to_apply="sigmoid", top_k=5)), logits):
    assert math.isclose(score, 1 / (1 + math.exp(-logit)), rel_tol=1e-6), (label, score, logit)

names = predict("surnames", "Takahashi", scores=True)["scores"]
names = [(entry["label"], entry["probability"]) for entry in names]
same(scores(client("surnames").text_classification("Takahashi")), names, "text_classification")
same(scores(client("surnames").text_classification("Takahashi", top_k=2)), names[:2], "text_classification, top_k")

tags = predict("tagger", TEXT)
elements = client("tagger").token_classification(TEXT)
same([(element.word, element.entity, element.score) for element in elements],
     [(tag["token"], tag["label"], tag["probability"]) for tag in tags], "token_classification")
assert all(TEXT[element.start:element.end] == element.word for element in elements)
groups = client("tagger").token_classification(TEXT, aggregation_strategy="simple")
assert [group.word for group in groups] and all(group.entity_group for group in groups)
assert len(groups) <= len(elements)

shakespeare = client("shakespeare")
greedy = generate("ROMEO:", temperature=0, max_tokens=20)["text"]
same(shakespeare.text_generation("ROMEO:", max_new_tokens=20), greedy, "text_generation")
drawn = generate("ROMEO:", temperature=0.8, seed=7, top_k=20, max_tokens=20)
options = {"temperature": 0.8, "seed": 7, "top_k": 20, "max_new_tokens": 20}
whole = shakespeare.text_generation("ROMEO:", details=True, return_full_text=True, **options)
same(whole.generated_text, "ROMEO:" + drawn["text"], "text_generation with details")
same((whole.details.finish_reason, whole.details.generated_tokens, whole.details.seed), ("length", 20, 7), "details")
same("".join(token.text for token in whole.details.tokens), drawn["text"], "its tokens")
assert all(token.logprob <= 0 for token in whole.details.tokens)
same("".join(shakespeare.text_generation("ROMEO:", stream=True, **options)), drawn["text"], "a stream")
events = list(shakespeare.text_generation("ROMEO:", stream=True, details=True, **options))
same(events[-1].generated_text, drawn["text"], "the last event")
same([event.token.id for event in events], [token.id for token in whole.details.tokens], "the tokens of a stream")
same(events[-1].details.generated_tokens, 20, "the details of a stream")

for call, kind in ((lambda: client("nothing").image_classification(str(SEVEN)), HfHubHTTPError),
                   (lambda: digits.image_classification(b"no image"), HfHubHTTPError),
                   (lambda: shakespeare.text_generation("x", repetition_penalty=1.5), ValidationError)):
    try:
        call()
    except kind as error:
        assert str(error), kind
    else:
        raise AssertionError(f"no {kind.__name__}")


async def asynchronous():
    same(scores(await AsyncInferenceClient(model=f"{URL}/hf/digits").image_classification(str(SEVEN))), own(), "async")
    client = AsyncInferenceClient(model=f"{URL}/hf/shakespeare")
    pieces = [piece async for piece in await client.text_generation("ROMEO:", stream=True, **options)]
    same("".join(pieces), drawn["text"], "an asynchronous stream")
    elements = await AsyncInferenceClient(model=f"{URL}/hf/surnames").text_classification("Takahashi")
    same(scores(elements), names, "asynchronous text_classification")


asyncio.run(asynchronous())
passed("Hugging Face", "huggingface_hub", "`InferenceClient`: `image_classification`, `text_classification`, "
       "`token_classification`, `text_generation` (`details`, `stream`), errors")
passed("Hugging Face", "huggingface_hub", "`AsyncInferenceClient`: `image_classification`, `text_classification`, "
       "`text_generation` (`stream`)")
