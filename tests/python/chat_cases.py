# SPDX-License-Identifier: MIT
"""Templates for test_chat_templates.py, written for this project: one for each
way in which the model families write a chat, and short ones for each construct.
"""

CHATML = """{% for m in messages %}\
{% if loop.first and messages[0]['role'] != 'system' %}\
{{ '<|im_start|>system\\nYou help.<|im_end|>\\n' }}{% endif %}\
{{'<|im_start|>' + m['role'] + '\\n' + m['content'] + '<|im_end|>' + '\\n'}}\
{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}\
{% endif %}"""

LLAMA2 = """{% if messages[0]['role'] == 'system' %}
    {% set rest = messages[1:] %}
    {% set system = messages[0]['content'] %}
{% else %}
    {% set rest = messages %}
    {% set system = false %}
{% endif %}
{% for m in rest %}
    {% if (m['role'] == 'user') != (loop.index0 % 2 == 0) %}
        {{ raise_exception('roles must alternate') }}
    {% endif %}
    {% if loop.index0 == 0 and system != false %}
        {% set content = '<<SYS>>\\n' + system + '\\n<</SYS>>\\n\\n' + m.content %}
    {% else %}
        {% set content = m['content'] %}
    {% endif %}
    {% if m['role'] == 'user' %}
        {{- bos_token + '[INST] ' + content.strip() + ' [/INST]' }}
    {% elif m['role'] == 'assistant' %}
        {{- ' ' + content.strip() + ' ' + eos_token }}
    {% endif %}
{% endfor %}
"""

LLAMA3 = """{{- bos_token }}
{%- if not date_string is defined %}
    {%- if strftime_now is defined %}
        {%- set date_string = strftime_now("%d %b %Y") %}
    {%- else %}
        {%- set date_string = "26 Jul 2024" %}
    {%- endif %}
{%- endif %}
{%- if not tools is defined %}{%- set tools = none %}{%- endif %}
{#- The system message, if there is one, comes first. #}
{%- if messages and messages[0]['role'] == 'system' %}
    {%- set system_message = messages[0]['content']|trim %}
    {%- set messages = messages[1:] %}
{%- else %}
    {%- set system_message = "" %}
{%- endif %}
{{- "<|start_header_id|>system<|end_header_id|>\\n\\n" }}
{%- if tools is not none %}{{- "Environment: ipython\\n" }}{%- endif %}
{{- "Today Date: " + date_string + "\\n\\n" + system_message + "<|eot_id|>" }}
{%- for message in messages %}
    {%- if not (message.role == 'ipython' or 'tool_calls' in message) %}
        {{- '<|start_header_id|>' + message['role'] + '<|end_header_id|>\\n\\n'+ message['content'] | trim + '<|eot_id|>' }}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|start_header_id|>assistant<|end_header_id|>\\n\\n' }}
{%- endif %}
"""

MISTRAL = """{%- if messages[0]["role"] == "system" -%}
    {%- set system_message = messages[0]["content"] -%}
    {%- set loop_messages = messages[1:] -%}
{%- else -%}
    {%- set loop_messages = messages -%}
{%- endif -%}
{%- set user_messages = loop_messages | selectattr("role", "equalto", "user") | list -%}
{%- set ns = namespace(index=0) -%}
{%- for message in loop_messages -%}
    {%- if not (message.role == "tool" or message.tool_calls is defined) -%}
        {%- if (message["role"] == "user") != (ns.index % 2 == 0) -%}
            {{- raise_exception("roles must alternate") -}}
        {%- endif -%}
        {%- set ns.index = ns.index + 1 -%}
    {%- endif -%}
{%- endfor -%}
{{- bos_token -}}
{%- for message in loop_messages -%}
    {%- if message["role"] == "user" -%}
        {%- if loop.last and system_message is defined -%}
            {{- "[INST] " + system_message + "\\n\\n" + message["content"] + "[/INST]" -}}
        {%- else -%}
            {{- "[INST] " ~ message["content"] ~ "[/INST]" -}}
        {%- endif -%}
    {%- elif message["role"] == "assistant" -%}
        {{- " " + message["content"] | trim + eos_token -}}
    {%- else -%}
        {{- raise_exception("only user and assistant roles") -}}
    {%- endif -%}
{%- endfor -%}
"""

QWEN3 = """{%- macro turn(role, text) %}
    {{- '<|im_start|>' + role + '\\n' + text + '<|im_end|>\\n' }}
{%- endmacro %}
{%- set ns = namespace(multi_step=true, last=messages|length - 1) %}
{%- for message in messages[::-1] %}
    {%- set index = (messages|length - 1) - loop.index0 %}
    {%- if ns.multi_step and message.role == "user" and message.content is string and not (message.content.startswith('<tool>') and message.content.endswith('</tool>')) %}
        {%- set ns.multi_step = false %}
        {%- set ns.last = index %}
    {%- endif %}
{%- endfor %}
{%- for message in messages %}
    {%- set content = message.content if message.content is string else '' %}
    {%- if message.role == "assistant" %}
        {%- set reasoning = '' %}
        {%- if '</think>' in content %}
            {%- set reasoning = content.split('</think>')[0].rstrip('\\n').split('<think>')[-1].lstrip('\\n') %}
            {%- set content = content.split('</think>')[-1].lstrip('\\n') %}
        {%- endif %}
        {%- if loop.index0 > ns.last and (loop.last or (not loop.last and reasoning)) %}
            {{- turn(message.role, '<think>\\n' + reasoning.strip('\\n') + '\\n</think>\\n\\n' + content) }}
        {%- else %}
            {{- turn(message.role, content) }}
        {%- endif %}
    {%- else %}
        {{- turn(role=message.role, text=content) }}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|im_start|>assistant\\n' }}
    {%- if enable_thinking is defined and enable_thinking is false %}
        {{- '<think>\\n\\n</think>\\n\\n' }}
    {%- endif %}
{%- endif %}"""

GEMMA = """{{ bos_token }}
{%- if messages[0]['role'] == 'system' -%}
    {%- if messages[0]['content'] is string -%}
        {%- set prefix = messages[0]['content'] + '\\n\\n' -%}
    {%- else -%}
        {%- set prefix = messages[0]['content'][0]['text'] + '\\n\\n' -%}
    {%- endif -%}
    {%- set rest = messages[1:] -%}
{%- else -%}
    {%- set prefix = "" -%}
    {%- set rest = messages -%}
{%- endif -%}
{%- for message in rest -%}
    {%- if (message['role'] == 'user') != (loop.index0 % 2 == 0) -%}
        {{ raise_exception("roles must alternate") }}
    {%- endif -%}
    {%- set role = "model" if message['role'] == 'assistant' else message['role'] -%}
    {{ '<start_of_turn>' + role + '\\n' + (prefix if loop.first else "") }}
    {%- if message['content'] is string -%}
        {{ message['content'] | trim }}
    {%- elif message['content'] is iterable -%}
        {%- for item in message['content'] -%}
            {%- if item['type'] == 'text' -%}{{ item['text'] | trim }}{%- endif -%}
        {%- endfor -%}
    {%- else -%}
        {{ raise_exception("no content") }}
    {%- endif -%}
    {{ '<end_of_turn>\\n' }}
{%- endfor -%}
{%- if add_generation_prompt -%}{{ '<start_of_turn>model\\n' }}{%- endif -%}
"""

ZEPHYR = """{% for message in messages %}
{% if message['role'] == 'user' %}
{{ '<|user|>\\n' + message['content'] + eos_token }}
{% elif message['role'] == 'system' %}
{{ '<|system|>\\n' + message['content'] + eos_token }}
{% elif message['role'] == 'assistant' %}
{{ '<|assistant|>\\n'  + message['content'] + eos_token }}
{% endif %}
{% if loop.last and add_generation_prompt %}
{{ '<|assistant|>' }}
{% endif %}
{% endfor %}"""

TEMPLATES = {
    "chatml": CHATML,
    "llama2": LLAMA2,
    "llama3": LLAMA3,
    "mistral": MISTRAL,
    "qwen3": QWEN3,
    "gemma": GEMMA,
    "zephyr": ZEPHYR,
}

EXPRESSIONS = [
    # numbers
    "{{ 1 + 2 * 3 - 4 }} {{ 7 // 2 }} {{ -7 // 2 }} {{ 7 % 3 }} {{ -7 % 3 }}",
    "{{ 7 / 2 }} {{ 4 / 2 }} {{ 2 ** 10 }} {{ -2 ** 2 }} {{ 2 ** -1 }}",
    "{{ 1.5 + 1 }} {{ 1e3 }} {{ 1e16 }} {{ 1e999 }} {{ 0.1 + 0.2 }} {{ pi * 2 }} {{ big }}",
    "{{ true + 1 }} {{ True }} {{ none }} {{ 7.5 // 2 }} {{ -7.5 % 2 }}",
    "{{ 1 < 2 }} {{ 1 < 2 < 3 }} {{ 1 < 2 > 3 }} {{ 1 == 1.0 }} {{ 1 == true }}",
    "{{ 'a' < 'b' }} {{ [1, 2] < [1, 3] }} {{ [1] == [1.0] }} {{ 'a' == 1 }}",
    # logic
    "{{ 0 or 'x' }} {{ 1 and 2 }} {{ not 1 }} {{ not not [] }} {{ none or 0 }}",
    "{{ 'a' if 0 else 'b' }}|{{ 'a' if 0 }}|{{ 'a' if 1 else 'b' if 1 else 'c' }}",
    "{{ 1 in numbers }} {{ 9 not in numbers }} {{ 'an' in text }} {{ 'z' in table }}",
    "{{ not 'a' in 'abc' }}{{ 'a' not in 'abc' }}",
    # texts
    "{{ 'a' ~ 1 ~ none ~ [1] ~ 2.5 }} {{ 'ab' * 3 }} {{ 'a' 'b' }} {{ 'a' + 'b' }}",
    "{{ 'a\\nb\\t\\'\\\"\\\\ \\x41 \\u00e9 \\q' }}",
    "{{ text.strip() }}|{{ text.lstrip() }}|{{ text.rstrip() }}|{{ 'xxaxx'.strip('x') }}",
    "{{ text.upper() }}{{ text.lower() }}{{ 'hello wORLD'.title() }}{{ 'aBC'.capitalize() }}",
    "{{ 'a,b,c'.split(',') }}{{ ' a  b '.split() }}{{ 'a,b,c'.split(',', 1) }}{{ 'a b c'.split(None, 1) }}",
    "{{ 'a,b,c'.rsplit(',', 1) }}{{ 'abc'.startswith('ab') }}{{ 'abc'.endswith(('x', 'c')) }}",
    "{{ 'aXbX'.replace('X', '--') }}{{ 'aXbX'.replace('X', '-', 1) }}{{ 'aXb'.find('X') }}{{ 'éXb'.find('X') }}",
    "{{ 'aXbX'.count('X') }}{{ '-'.join(words) }}{{ 'abc'.removeprefix('a') }}{{ 'abc'.removesuffix('c') }}",
    "{{ '12'.isdigit() }}{{ 'a\\nb\\n'.splitlines() }}",
    "{{ text[2] }}{{ text[-3] }}{{ text[2:5] }}{{ text[::-1] }}{{ text[:-1] }}{{ text[5:2] }}{{ text[-99:99:3] }}",
    # lists and dicts
    "{{ numbers[0] }}{{ numbers[-1] }}{{ numbers[1:] }}{{ numbers[::2] }}{{ numbers[::-2] }}{{ numbers[9] is defined }}",
    "{{ [1, 'a', none, true, 2.0, [], {}] }}{{ {'a': 1, 'b': {'c': [1]}} }}{{ {'a': 1, 'a': 2} }}",
    "{{ ['it\\'s', 'say \"x\"', 'both \\' \"', 'tab\\t', 'é', '\\x7f'] }}",
    "{{ numbers + [9] }}{{ [0] * 3 }}{{ numbers.index(2) }}{{ words.count('a') }}",
    "{{ table.z }}{{ table['a'].deep.x }}{{ table.a['items'] }}{{ table.nope is defined }}{{ table.items is defined }}",
    "{{ table.keys() | list }}{{ table.get('z') }}{{ table.get('q') }}{{ table.get('q', 5) }}",
    "{% for k, v in table.items() %}{{ k }}={{ v }};{% endfor %}",
    "{% for k in table %}{{ k }}{% endfor %}{% for v in table.values() %}{{ v }}{% endfor %}",
    "{{ nothing.x is defined }}{{ pi.x is defined }}{{ missing is defined }}{{ missing }}|",
    # filters
    "{{ text | trim | length }}{{ words | count }}{{ table | length }}{{ missing | length }}",
    "{{ words | join }}{{ words | join(', ') }}{{ numbers | join('-') }}{{ messages | join('|', attribute='role') }}",
    "{{ words | first }}{{ words | last }}{{ 'abc' | first }}{{ [] | first is defined }}",
    "{{ missing | default('d') }}{{ empty | default('d') }}{{ empty | default('d', true) }}{{ nothing | d(1) }}{{ missing | default }}",
    "{{ words | sort }}{{ words | sort(reverse=true) }}{{ words | sort(case_sensitive=true) }}{{ numbers | sort }}",
    "{{ words | unique | list }}{{ numbers | reverse | list }}{{ 'abc' | reverse }}{% for k, v in table | dictsort %}{{ k }}{{ v }}{% endfor %}",
    "{{ messages | map(attribute='role') | list }}{{ words | map('upper') | list }}{{ words | map('replace', 'a', 'x') | list }}",
    "{{ messages | selectattr('role', 'equalto', 'user') | list | length }}{{ messages | rejectattr('role', 'eq', 'user') | map(attribute='role') | join }}",
    "{{ numbers | select('gt', 1) | list }}{{ numbers | reject('odd') | list }}{{ numbers | select | list }}{{ nothing | select | list }}",
    "{{ '3' | int + 1 }}{{ 'x' | int }}{{ 'x' | int(7) }}{{ 3.9 | int }}{{ '2.5' | float }}{{ 3 | string + 'a' }}",
    "{{ text | upper }}{{ 'a b' | title }}{{ 'aB' | capitalize }}{{ 'ABC' | lower }}{{ 'aXb' | replace('X', '') }}",
    "{{ 'a\\nb\\n\\nc' | indent }}|{{ 'a\\nb' | indent(2, true) }}|{{ 'a\\n\\nb' | indent(2, blank=true) }}",
    "{% for k, v in table | items %}{{ k }}{{ v }}{% endfor %}{{ missing | items | list }}{{ 'ab' | list }}",
    "{{ messages | tojson }}{{ table | tojson(indent=2) }}{{ [] | tojson(indent=2) }}{{ {} | tojson }}",
    "{{ table | tojson(separators=(',', ':')) }}{{ table | tojson(sort_keys=true) }}{{ pi | tojson }}{{ '\\x01é\\n' | tojson }}",
    "{{ -1 | string | length }}{{ (-1) | string | length }}{{ 1 + 2 | string | int }}",
    # tests
    "{% for v in [1, 1.5, 'a', none, true, [], {}] %}{{ v is string }}{{ v is mapping }}{{ v is iterable }}{{ v is sequence }}{{ v is number }}{{ v is none }}{{ v is boolean }}{{ v is integer }}{{ v is float }};{% endfor %}",
    "{{ 3 is odd }}{{ 4 is even }}{{ 9 is divisibleby 3 }}{{ 9 is divisibleby(2) }}{{ 1 is eq 1 }}{{ 2 is gt 1 }}{{ 1 is in [1] }}{{ 'a' is lower }}{{ 'A' is upper }}",
    "{{ 1 is not none and 2 is defined }}{{ true is true }}{{ 1 is true }}{{ false is false }}{{ raise_exception is callable }}",
    # statements
    "{% for x in numbers %}{{ loop.index }}{{ loop.index0 }}{{ loop.first }}{{ loop.last }}{{ loop.length }}{{ loop.revindex }}{{ loop.revindex0 }}{{ loop.previtem is defined }}{{ loop.nextitem }};{% endfor %}",
    "{% for x in [] %}a{% else %}none{% endfor %}{% for x in numbers if x > 0 %}{{ loop.index }}:{{ x }}{% endfor %}",
    "{% for x in numbers %}{% if x == 2 %}{% continue %}{% endif %}{% if x < 0 %}{% break %}{% endif %}{{ x }}{% endfor %}",
    "{% for (a, b) in [[1, 2], [3, 4]] %}{{ a + b }}{% endfor %}{% for c in 'héy' %}{{ c }}.{% endfor %}",
    "{% set x = 1 %}{% for i in [1, 2] %}{{ x }}{% set x = 5 %}{{ x }}{% endfor %}{{ x }}",
    "{% set x = 1 %}{% if true %}{% set x = 2 %}{% endif %}{{ x }}{% set a, b = 1, 2 %}{{ a }}{{ b }}",
    "{% set ns = namespace(n=0, l=[]) %}{% for i in numbers %}{% set ns.n = ns.n + i %}{% set ns.l = ns.l + [i] %}{% endfor %}{{ ns.n }}{{ ns.l }}{{ ns.q is defined }}",
    "{% set t %}a {{ 1 }} b{% endset %}[{{ t }}]{% set t = dict(a=1, b='x') %}{{ t }}",
    "{% macro f(a, b=2, c='z') %}{{ a }}{{ b }}{{ c }}{% endmacro %}{{ f(1) }}{{ f(1, c=3) }}{{ f(b=5, a=4) }}{{ f() }}",
    "{% macro r(n) %}{{ n }}{% if n > 0 %}{{ r(n - 1) }}{% endif %}{% endmacro %}{{ r(5) }}",
    "{% set y = 3 %}{% macro g() %}{{ y }}{% endmacro %}{% set y = 4 %}{{ g() }}",
    "{{ range(4) | list }}{{ range(1, 9, 3) | list }}{{ range(5, 0, -2) | list }}",
    "{% if missing %}a{% elif 0 %}b{% elif words %}c{% else %}d{% endif %}",
    "{{ strftime_now('%Y-%m-%d') }}{# comment {{ x }} #}{{ '{{ }}' }}{{ {'a': {'b': 1}} }}",
    "{{ (messages[2].content.b | first) + 1 }}{{ messages[-1]['content']['a'] }}",
    "a\n{% if true %}\n  b\n  {% endif %}\nc\n",
    "  {%- if true -%}  x  {%- endif -%}  y  {{- 1 -}}  z\n\n",
]

WRONG = [
    "{{ missing.x }}",
    "{{ missing + 'a' }}",
    "{{ 'a' + 1 }}",
    "{{ 'a' - 'b' }}",
    "{{ 1 / 0 }}",
    "{{ 1 // 0 }}",
    "{{ 1 < 'a' }}",
    "{{ words() }}",
    "{{ missing() }}",
    "{{ 'a' | nofilter }}",
    "{{ 'a' is notest }}",
    "{{ raise_exception('no') }}",
    "{% for x in 5 %}{% endfor %}",
    "{% for a, b in [[1]] %}{% endfor %}",
    "{% set words.x = 1 %}",
    "{{ words.append(1) }}",
    "{{ table.update(a=1) }}",
    "{{ range(10 ** 9) }}",
    "{% if x %}",
    "{% endif %}",
    "{% for %}{% endfor %}",
    "{% for x in %}{% endfor %}",
    "{{ 1 + }}",
    "{{ ( 1 }}",
    "{{ 'open }}",
    "{{ 1",
    "{# open",
    "{% unknown %}",
    "{% macro f(a=1, b) %}{% endmacro %}",
    "{{ a b }}",
    "{{ ! }}",
    "{% set %}",
    "{% include 'x' %}",
    "{% macro f(a) %}{% endmacro %}{{ f(1, 2) }}",
    "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}",
]
