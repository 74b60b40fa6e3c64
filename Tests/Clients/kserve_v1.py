"""KServe's V1 protocol with its own SDK."""
import asyncio
import base64

import httpx
from kserve import InferenceRESTClient, RESTConfig

from native import SEVEN, URL, classes, passed, predict, same


async def main():
    async with InferenceRESTClient(RESTConfig(protocol="v1", retries=0)) as client:
        assert await client.is_server_live(URL)
        assert await client.is_model_ready(URL, "digits")
        image = {"image_bytes": {"b64": base64.b64encode(SEVEN.read_bytes()).decode()}}
        answer = await client.infer(URL, {"instances": [image]}, model_name="digits")
        best, own = answer["predictions"][0], classes()[0]
        same((best["label"], best["probability"]), (own["label"], own["probability"]), "infer")
        answer = await client.infer(URL, {"instances": ["Takahashi"]}, model_name="surnames")
        same(answer["predictions"], [predict("surnames", "Takahashi")], "infer of a text")
        try:
            await client.infer(URL, {"instances": ["x"]}, model_name="nothing")
            raise AssertionError("an unknown model was found")
        except httpx.HTTPStatusError as error:
            assert error.response.status_code == 404, error


asyncio.run(main())
names = [model["name"] for model in httpx.get(f"{URL}/v1/models").json()["models"]]
assert "digits" in names and names == sorted(names), names
passed("KServe V1", "kserve", "`InferenceRESTClient`: `is_server_live`, `is_model_ready`, `infer`, refusals")
