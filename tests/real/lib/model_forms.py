"""The forms in which four model APIs ask and answer: Messages (Anthropic), Responses and Chat Completions (OpenAI), and Gemini
(Google). Imported by model-api.py.

Each form reads a request into a Question, and writes an Answer whole or as server-sent events.
"""

import dataclasses
import json
import re

MODEL = "made-up-model"
# A tool is called if what was asked last says so and the request has a tool of that name: call NAME {"argument": "value"}
CALL = re.compile(r"call (\w+) (?=\{)")


@dataclasses.dataclass
class Question:
    """What a request asks. `images` are in base64, `result` is what a tool said just before."""

    text: str
    tools: list
    images: list
    result: str | None


@dataclasses.dataclass
class Answer:
    """A text in pieces, one for each event, or the call of a tool: its name and arguments."""

    pieces: list
    call: tuple | None = None

    @property
    def text(self):
        return "".join(self.pieces)


def call_for(question):
    """Returns the call that a question asks for, or None."""
    calls = [] if question.result is not None else CALL.finditer(question.text)
    for call in calls:
        if call[1] in question.tools:
            return call[1], json.JSONDecoder().raw_decode(question.text, call.end())[0]
    return None


def text_of(content):
    """Returns the text in a message's content, which is a text or has parts."""
    if isinstance(content, str):
        return content
    return "\n".join(part.get("text") or "" for part in content or [])


def data_of(url):
    """Returns what a `data:` URL holds, in base64."""
    return url.partition(";base64,")[2]


class Messages:
    """https://docs.claude.com/en/api/messages"""

    @staticmethod
    def question(body):
        text, images, result = "", [], None
        for message in body["messages"]:
            if message["role"] != "user":
                continue
            text, result = text_of(message["content"]), None
            for part in message["content"] if isinstance(message["content"], list) else []:
                if part["type"] == "image":
                    images.append(part["source"]["data"])
                if part["type"] == "tool_result":
                    result = text_of(part["content"])
        return Question(text, [tool["name"] for tool in body.get("tools", [])], images, result)

    @staticmethod
    def streams(body, _path):
        return body.get("stream", False)

    @staticmethod
    def message(body, content, reason):
        return {
            "id": "msg_made_up",
            "type": "message",
            "role": "assistant",
            "model": body.get("model", MODEL),
            "content": content,
            "stop_reason": reason,
            "stop_sequence": None,
            "usage": {"input_tokens": 1, "output_tokens": 1},
        }

    @staticmethod
    def content(answer):
        if answer.call:
            return {"type": "tool_use", "id": "toolu_made_up", "name": answer.call[0], "input": answer.call[1]}
        return {"type": "text", "text": answer.text}

    @classmethod
    def whole(cls, body, answer):
        return cls.message(body, [cls.content(answer)], "tool_use" if answer.call else "end_turn")

    @classmethod
    def events(cls, body, answer):
        block = cls.content(answer)
        yield "message_start", {"message": cls.message(body, [], None)}
        if answer.call:
            pieces = halves(json.dumps(answer.call[1]))
            deltas = [{"type": "input_json_delta", "partial_json": piece} for piece in pieces]
            block["input"] = {}
        else:
            deltas = [{"type": "text_delta", "text": piece} for piece in answer.pieces]
            block["text"] = ""
        yield "content_block_start", {"index": 0, "content_block": block}
        yield "ping", {}
        for delta in deltas:
            yield "content_block_delta", {"index": 0, "delta": delta}
        yield "content_block_stop", {"index": 0}
        reason = "tool_use" if answer.call else "end_turn"
        yield "message_delta", {"delta": {"stop_reason": reason, "stop_sequence": None}, "usage": {"output_tokens": 1}}
        yield "message_stop", {}


class Responses:
    """https://platform.openai.com/docs/api-reference/responses"""

    @staticmethod
    def question(body):
        text, images, result = "", [], None
        asked = body["input"]
        for item in [{"role": "user", "content": asked}] if isinstance(asked, str) else asked:
            if item.get("role") == "user":
                text, result = text_of(item["content"]), None
                for part in item["content"] if isinstance(item["content"], list) else []:
                    if part["type"] == "input_image":
                        images.append(data_of(part["image_url"]))
            if item.get("type") == "function_call_output":
                result = text_of(item["output"])
        return Question(text, [tool.get("name") for tool in body.get("tools", [])], images, result)

    @staticmethod
    def streams(body, _path):
        return body.get("stream", False)

    @staticmethod
    def response(body, status, output):
        details = {"input_tokens_details": {"cached_tokens": 0}, "output_tokens_details": {"reasoning_tokens": 0}}
        usage = {"input_tokens": 1, "output_tokens": 1, "total_tokens": 2, **details}
        return {
            "id": "resp_made_up",
            "object": "response",
            "created_at": 1,
            "status": status,
            "error": None,
            "incomplete_details": None,
            "instructions": None,
            "metadata": {},
            "model": body.get("model", MODEL),
            "output": output,
            "parallel_tool_calls": False,
            "temperature": 1.0,
            "tool_choice": "auto",
            "tools": [],
            "top_p": 1.0,
            "usage": usage if status == "completed" else None,
        }

    @staticmethod
    def item(answer, status, text):
        if answer.call:
            name, _ = answer.call
            call = {"call_id": "call_made_up", "name": name, "arguments": text}
            return {"type": "function_call", "id": "fc_made_up", "status": status, **call}
        content = [{"type": "output_text", "text": text, "annotations": []}] if text else []
        return {"type": "message", "id": "item_made_up", "role": "assistant", "status": status, "content": content}

    @classmethod
    def whole(cls, body, answer):
        text = json.dumps(answer.call[1]) if answer.call else answer.text
        return cls.response(body, "completed", [cls.item(answer, "completed", text)])

    @classmethod
    def events(cls, body, answer):
        for number, (name, data) in enumerate(cls.plain_events(body, answer)):
            yield name, {**data, "sequence_number": number}

    @classmethod
    def plain_events(cls, body, answer):
        text = json.dumps(answer.call[1]) if answer.call else answer.text
        done = cls.item(answer, "completed", text)
        at = {"item_id": done["id"], "output_index": 0}
        begun = cls.response(body, "in_progress", [])
        yield "response.created", {"response": begun}
        yield "response.in_progress", {"response": begun}
        yield "response.output_item.added", {"output_index": 0, "item": cls.item(answer, "in_progress", "")}
        if answer.call:
            for piece in halves(text):
                yield "response.function_call_arguments.delta", {**at, "delta": piece}
            yield "response.function_call_arguments.done", {**at, "name": answer.call[0], "arguments": text}
        else:
            at["content_index"] = 0
            part = {"type": "output_text", "text": "", "annotations": []}
            yield "response.content_part.added", {**at, "part": part}
            for piece in answer.pieces:
                yield "response.output_text.delta", {**at, "delta": piece, "logprobs": []}
            yield "response.output_text.done", {**at, "text": text, "logprobs": []}
            yield "response.content_part.done", {**at, "part": {**part, "text": text}}
        yield "response.output_item.done", {"output_index": 0, "item": done}
        yield "response.completed", {"response": cls.response(body, "completed", [done])}


class Chat:
    """https://platform.openai.com/docs/api-reference/chat"""

    @staticmethod
    def question(body):
        text, images, result = "", [], None
        for message in body["messages"]:
            if message["role"] == "user":
                text, result = text_of(message["content"]), None
                for part in message["content"] if isinstance(message["content"], list) else []:
                    if part["type"] == "image_url":
                        images.append(data_of(part["image_url"]["url"]))
            if message["role"] == "tool":
                result = text_of(message["content"])
        return Question(text, [tool["function"]["name"] for tool in body.get("tools", [])], images, result)

    @staticmethod
    def streams(body, _path):
        return body.get("stream", False)

    @staticmethod
    def completion(body, kind, choice, **more):
        head = {"id": "chatcmpl-made-up", "object": kind, "created": 1, "model": body.get("model", MODEL)}
        return {**head, "choices": [{"index": 0, **choice}], **more}

    @staticmethod
    def calls(answer, arguments, **more):
        return [{**more, "id": "call_made_up", "type": "function", "function": {"name": answer.call[0], "arguments": arguments}}]

    @classmethod
    def whole(cls, body, answer):
        message = {"role": "assistant", "content": None if answer.call else answer.text, "refusal": None}
        if answer.call:
            message["tool_calls"] = cls.calls(answer, json.dumps(answer.call[1]))
        choice = {"message": message, "logprobs": None, "finish_reason": "tool_calls" if answer.call else "stop"}
        usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
        return cls.completion(body, "chat.completion", choice, usage=usage)

    @classmethod
    def events(cls, body, answer):
        if answer.call:
            first, *others = halves(json.dumps(answer.call[1]))
            deltas = [{"role": "assistant", "content": None, "tool_calls": cls.calls(answer, first, index=0)}]
            deltas += [{"tool_calls": [{"index": 0, "function": {"arguments": piece}}]} for piece in others]
        else:
            deltas = [{"role": "assistant", "content": ""}, *({"content": piece} for piece in answer.pieces)]
        reason = "tool_calls" if answer.call else "stop"
        for delta, ends in [*((delta, None) for delta in deltas), ({}, reason)]:
            yield None, cls.completion(body, "chat.completion.chunk", {"delta": delta, "finish_reason": ends})
        yield None, "[DONE]"


class Gemini:
    """https://ai.google.dev/api/generate-content"""

    @staticmethod
    def question(body):
        text, images, result = "", [], None
        for content in body["contents"]:
            if content.get("role") == "model":
                continue
            text, result = text_of(content["parts"]), None
            for part in content["parts"]:
                if "inlineData" in part:
                    images.append(part["inlineData"]["data"])
                if "functionResponse" in part:
                    result = part["functionResponse"]["response"]["result"]
        declared = [one for tool in body.get("tools", []) for one in tool.get("functionDeclarations", [])]
        return Question(text, [one["name"] for one in declared], images, result)

    @staticmethod
    def streams(_body, path):
        return ":streamGenerateContent" in path

    @staticmethod
    def response(parts, **more):
        usage = {"promptTokenCount": 1, "candidatesTokenCount": 1, "totalTokenCount": 2}
        candidate = {"index": 0, "content": {"role": "model", "parts": parts}, **more}
        return {"candidates": [candidate], "modelVersion": MODEL, "responseId": "made-up", "usageMetadata": usage}

    @staticmethod
    def parts(answer):
        if answer.call:
            return [{"functionCall": {"name": answer.call[0], "args": answer.call[1]}}]
        return [{"text": piece} for piece in answer.pieces]

    @classmethod
    def whole(cls, _body, answer):
        return cls.response(cls.parts(answer), finishReason="STOP")

    @classmethod
    def events(cls, _body, answer):
        *parts, last = cls.parts(answer)
        for part in parts:
            yield None, cls.response([part])
        yield None, cls.response([last], finishReason="STOP")


def halves(text):
    """Returns a text in two pieces."""
    return [text[: len(text) // 2], text[len(text) // 2 :]]


def encoded(name, data):
    """Returns a server-sent event."""
    if name:
        data = {"type": name, **data}
    data = data if isinstance(data, str) else json.dumps(data)
    return ((f"event: {name}\n" if name else "") + f"data: {data}\n\n").encode()
