"""A program on the SDK of a provider: anthropic, openai or google-genai. Does what a line of its standard input says, and prints
what came of it in one line. Base URL and key come from the variables that the SDK reads.

sdk-client.py anthropic|openai|google

A line is a step (plain, stream, tools, images, cancel, silent, count, embed, models) or, for Chat Completions of openai, `chat-`
and a step.
"""

import asyncio
import base64
import hashlib
import json
import os
import sys
import time

MODEL = "made-up-model"
ASK = "say something made up"
USE_TOOL = 'call lookup {"city": "Made Up"}'
PARAMETERS = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
DESCRIPTION = "Looks up a city"


def found(arguments):
    return f"21 degrees in {arguments['city']}"


def made_images():
    """Returns 20 MB in four images, each of them new."""
    return [os.urandom(5 << 20) for _ in range(4)]


def in_base64(image):
    return base64.b64encode(image).decode()


def same_images(images, text):
    digest = hashlib.sha256(b"".join(images)).hexdigest()
    return f"{20 << 20} bytes as they were" if text == f"4 images of {20 << 20} bytes, {digest}" else f"other bytes: {text}"


async def read(stream, type_of, text_of):
    """Reads a stream: the text, and how many events of each type there were in a row."""
    text, types = "", []
    async for event in stream:
        text += text_of(event) or ""
        if types and types[-1][0] == type_of(event):
            types[-1][1] += 1
        else:
            types.append([type_of(event), 1])
    return f"{text} | " + " ".join(f"{times}*{kind}" if times > 1 else kind for kind, times in types)


async def cancelled(begin, text_of=None):
    """Ends what was begun: a stream after its first text, anything else after a while. Says when, in seconds."""
    seen = asyncio.Event()

    async def run():
        stream = await begin()
        async for event in stream:
            if text_of(event):
                seen.set()

    task = asyncio.create_task(run() if text_of else begin())
    if text_of:
        waiting = asyncio.create_task(seen.wait())
        await asyncio.wait([task, waiting], return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
    else:
        await asyncio.wait([task], timeout=0.3)
    at = time.time()
    task.cancel()
    try:
        await task
    except asyncio.CancelledError:
        return f"cancelled {at}"
    return "not cancelled"


def anthropic():
    from anthropic import AsyncAnthropic

    client = AsyncAnthropic()
    common = {"model": MODEL, "max_tokens": 100}

    def create(content, **more):
        return client.messages.create(**common, messages=[{"role": "user", "content": content}], **more)

    def text_of(message):
        return "".join(block.text for block in message.content)

    def delta_of(event):
        return getattr(getattr(event, "delta", None), "text", "")

    async def tools():
        declared = [{"name": "lookup", "description": DESCRIPTION, "input_schema": PARAMETERS}]
        question = {"role": "user", "content": USE_TOOL}
        async with client.messages.stream(**common, tools=declared, messages=[question]) as stream:
            first = await stream.get_final_message()
        call = next(block for block in first.content if block.type == "tool_use")
        result = {"type": "tool_result", "tool_use_id": call.id, "content": found(call.input)}
        messages = [question, {"role": "assistant", "content": first.content}, {"role": "user", "content": [result]}]
        return text_of(await client.messages.create(**common, tools=declared, messages=messages))

    async def images():
        made = made_images()
        source = [{"type": "base64", "media_type": "image/png", "data": in_base64(image)} for image in made]
        return same_images(made, text_of(await create([{"type": "image", "source": one} for one in source])))

    async def plain():
        return text_of(await create(ASK))

    async def stream():
        return await read(await create(ASK, stream=True), lambda event: event.type, delta_of)

    async def count():
        counted = await client.messages.count_tokens(model=MODEL, messages=[{"role": "user", "content": ASK}])
        return f"{counted.input_tokens} tokens"

    async def models():
        return ",".join([one.id async for one in client.models.list()])

    async def cancel():
        return await cancelled(lambda: create(ASK, stream=True), delta_of)

    async def silent():
        return await cancelled(lambda: create(ASK))

    return locals()


def openai():
    from openai import AsyncOpenAI

    client = AsyncOpenAI()

    def create(asked, **more):
        return client.responses.create(model=MODEL, input=asked, store=False, **more)

    def say(content, **more):
        return client.chat.completions.create(model=MODEL, messages=[{"role": "user", "content": content}], **more)

    def delta_of(event):
        return event.delta if event.type == "response.output_text.delta" else ""

    def said(completion):
        return completion.choices[0].message.content

    def saying(chunk):
        return chunk.choices[0].delta.content

    async def plain():
        return (await create(ASK)).output_text

    async def stream():
        return await read(await create(ASK, stream=True), lambda event: event.type, delta_of)

    async def tools():
        declared = {"type": "function", "name": "lookup", "description": DESCRIPTION, "parameters": PARAMETERS, "strict": False}
        question = {"role": "user", "content": USE_TOOL}
        async with client.responses.stream(model=MODEL, tools=[declared], input=[question]) as stream:
            first = await stream.get_final_response()
        call = next(item for item in first.output if item.type == "function_call")
        result = {"type": "function_call_output", "call_id": call.call_id, "output": found(json.loads(call.arguments))}
        return (await create([question, call.model_dump(exclude={"parsed_arguments"}), result], tools=[declared])).output_text

    async def images():
        made = made_images()
        urls = [f"data:image/png;base64,{in_base64(image)}" for image in made]
        content = [{"type": "input_image", "detail": "auto", "image_url": url} for url in urls]
        return same_images(made, (await create([{"role": "user", "content": content}])).output_text)

    async def cancel():
        return await cancelled(lambda: create(ASK, stream=True), delta_of)

    async def silent():
        return await cancelled(lambda: create(ASK))

    async def embed():
        return ",".join(str(number) for number in (await client.embeddings.create(model=MODEL, input=ASK)).data[0].embedding)

    async def models():
        return ",".join([one.id async for one in client.models.list()])

    async def chat_plain():
        return said(await say(ASK))

    async def chat_stream():
        return await read(await say(ASK, stream=True), lambda chunk: chunk.object, saying)

    async def chat_tools():
        messages = [{"role": "user", "content": USE_TOOL}]
        declared = [{"type": "function", "function": {"name": "lookup", "description": DESCRIPTION, "parameters": PARAMETERS}}]
        async with client.chat.completions.stream(model=MODEL, tools=declared, messages=messages) as stream:
            first = (await stream.get_final_completion()).choices[0].message
        call = first.tool_calls[0]
        messages.append({"role": "assistant", "tool_calls": [call.model_dump(exclude={"function": {"parsed_arguments"}})]})
        messages.append({"role": "tool", "tool_call_id": call.id, "content": found(json.loads(call.function.arguments))})
        return said(await client.chat.completions.create(model=MODEL, tools=declared, messages=messages))

    async def chat_images():
        made = made_images()
        urls = [f"data:image/png;base64,{in_base64(image)}" for image in made]
        return same_images(made, said(await say([{"type": "image_url", "image_url": {"url": url}} for url in urls])))

    async def chat_cancel():
        return await cancelled(lambda: say(ASK, stream=True), saying)

    return locals()


def google():
    from google import genai
    from google.genai import types

    client = genai.Client()
    models_of = client.aio.models

    def create(contents):
        return models_of.generate_content(model=MODEL, contents=contents)

    def begin(contents):
        return models_of.generate_content_stream(model=MODEL, contents=contents)

    async def plain():
        return (await create(ASK)).text

    async def stream():
        return await read(await begin(ASK), lambda _: "response", lambda response: response.text)

    async def tools():
        def lookup(city: str) -> str:
            """Looks up a city."""
            return found({"city": city})

        # The SDK itself calls it.
        chat = client.aio.chats.create(model=MODEL, config=types.GenerateContentConfig(tools=[lookup]))
        return (await chat.send_message(USE_TOOL)).text

    async def images():
        made = made_images()
        parts = [types.Part.from_bytes(data=image, mime_type="image/png") for image in made]
        return same_images(made, (await create([ASK, *parts])).text)

    async def count():
        return f"{(await models_of.count_tokens(model=MODEL, contents=ASK)).total_tokens} tokens"

    async def embed():
        return ",".join(str(number) for number in (await models_of.embed_content(model=MODEL, contents=ASK)).embeddings[0].values)

    async def models():
        return ",".join([one.name async for one in await models_of.list()])

    async def cancel():
        return await cancelled(lambda: begin(ASK), lambda response: response.text)

    async def silent():
        return await cancelled(lambda: create(ASK))

    return locals()


async def main():
    steps = {"anthropic": anthropic, "openai": openai, "google": google}[sys.argv[1]]()
    print("ready", flush=True)
    while line := await asyncio.to_thread(sys.stdin.readline):
        try:
            said = await steps[line.strip().replace("-", "_")]()
        except Exception as error:  # whatever an SDK raises is what is looked at
            said = f"{type(error).__name__}: {error}"
        print(said.replace("\n", " "), flush=True)


asyncio.run(main())
