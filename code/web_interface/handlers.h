// SPDX-License-Identifier: MIT
//
// What each route does. A handler reads the request, calls the service, and
// answers; an ApiError that it throws becomes the answer.

#pragma once

#include "code/web_interface/exchange.h"

namespace llm::web {

// api.cpp: an answer at once.
serving::Answer get_health(Exchange& x);
serving::Answer get_models(Exchange& x);
serving::Answer load_model(Exchange& x);
serving::Answer cancel(Exchange& x);
serving::Answer get_training(Exchange& x);
serving::Answer get_openai_models(Exchange& x);
// An answer from the inference thread.
void tokenize(Exchange& x, serving::OnAnswer done);
void inspect(Exchange& x, serving::OnAnswer done);
void whatif(Exchange& x, serving::OnAnswer done);
void get_run(Exchange& x, serving::OnAnswer done);
void drop_run(Exchange& x, serving::OnAnswer done);

// generation.cpp: a stream of events, or all of them in one answer.
Task<> generate(Exchange& x);
Task<> complete(Exchange& x);
Task<> chat(Exchange& x);

// watching.cpp: streams that tell what changes.
Task<> watch_models(Exchange& x);
Task<> watch_training(Exchange& x);

// files.cpp
serving::Answer redirect(Exchange& x);
serving::Answer get_openapi(Exchange& x);
serving::Answer get_docs_index(Exchange& x);
serving::Answer get_docs_page(Exchange& x);
/** The file with the path of the request; ApiError not_found. */
serving::Answer get_file(Exchange& x);

} // namespace llm::web
