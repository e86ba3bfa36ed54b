#include "document/tagger.h"

#include <assert.h>

#include "document/chars.h"
#include "document/words.h"

enum { TAGS_MAX = 64, LABEL_BYTES = 8, MODEL_VERSION = 2, WORD_KEPT_BYTES = 48, WEIGHT_BITS = 10 };

/* tagger_model.bin as it lies in the program; scripts/train-tagger describes it. */
extern const uint8_t tagger_model[];

typedef struct ModelHead {
    char magic[4];
    uint32_t version, tags, buckets, features, weights;
    float scale;
} ModelHead;
static_assert(sizeof(ModelHead) == 28, "the file's head has no padding");
static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the model is built in little-endian");

/* The parts of tagger_model, found by adding up sizes: every part is a multiple of what the next one needs for alignment. */
typedef struct Model {
    const char *labels;                           /* LABEL_BYTES each */
    const uint32_t *first_feature, *first_weight; /* [buckets + 1] */
    const uint16_t *marks;
    const uint16_t *weights; /* each with its tag */
    const uint8_t *weight_counts;
    uint32_t tags, bucket_mask;
} Model;

static const void *model_part(size_t *at, size_t size_bytes)
{
    const void *part = tagger_model + *at;
    *at += size_bytes;
    return part;
}

static Model model_open(void)
{
    size_t at = 0;
    const ModelHead *head = model_part(&at, sizeof *head);
    ASSERT(memcmp(head->magic, "QTAG", 4) == 0 && head->version == MODEL_VERSION && head->tags <= TAGS_MAX);
    Model model = {.tags = head->tags, .bucket_mask = head->buckets - 1};
    model.labels = model_part(&at, head->tags * (size_t)LABEL_BYTES);
    model.first_feature = model_part(&at, (head->buckets + 1) * sizeof(uint32_t));
    model.first_weight = model_part(&at, (head->buckets + 1) * sizeof(uint32_t));
    model.marks = model_part(&at, head->features * sizeof(uint16_t));
    model.weights = model_part(&at, head->weights * sizeof(uint16_t));
    model.weight_counts = model_part(&at, head->features);
    return model;
}

static Str model_label(const Model *model, unsigned tag)
{
    const char *label = model->labels + tag * (size_t)LABEL_BYTES;
    return (Str){label, strnlen(label, LABEL_BYTES)};
}

/* FNV-1a, 64 bits: a feature is known by the hash of its text, which is never put together. */
static uint64_t hash_add(uint64_t hash, Str text)
{
    for (size_t i = 0; i < text.len; i++)
        hash = (hash ^ (uint8_t)text.data[i]) * UINT64_C(0x100000001B3);
    return hash;
}

static uint64_t hash_of(char kind, Str text)
{
    return hash_add(hash_add(UINT64_C(0xCBF29CE484222325), (Str){&kind, 1}), text);
}

/* The weights of the feature with this hash; none for one the model does not know. */
static const uint16_t *find_weights(const Model *model, uint64_t hash, unsigned *ret_count)
{
    uint32_t bucket = (uint32_t)hash & model->bucket_mask;
    uint16_t mark = (uint16_t)(hash >> 32);
    const uint16_t *weights = model->weights + model->first_weight[bucket];
    for (uint32_t i = model->first_feature[bucket]; i < model->first_feature[bucket + 1]; i++) {
        if (model->marks[i] == mark) {
            *ret_count = model->weight_counts[i];
            return weights;
        }
        weights += model->weight_counts[i];
    }
    *ret_count = 0;
    return weights;
}

/* A word as the features see it: `-` inside, years, numbers, else lower case, the rest of a very long one cut off. */
typedef struct Context {
    Str word;   /* as it is tagged; data NULL behind the end */
    Str normal; /* points into `kept`, or a constant */
    char kept[WORD_KEPT_BYTES];
} Context;

static Str last_three(Str word)
{
    size_t at = word.len;
    for (int i = 0; i < 3 && at > 0; i++)
        chars_before(word, at, &at);
    return str_slice(word, at, word.len);
}

static bool is_year(Str word)
{
    unsigned classes;
    size_t at = 0, count = 0;
    while (at < word.len && count <= 4) {
        chars_next(word, &at, &classes);
        if (!(classes & CHAR_DIGIT))
            return false;
        count++;
    }
    return count == 4;
}

static Str lower_into(char kept[WORD_KEPT_BYTES], Str word)
{
    size_t used = 0;
    for (size_t at = 0; at < word.len && used + 4 <= WORD_KEPT_BYTES;)
        used += utf8_encode(char_lower(str_next_code_point(word, &at)), kept + used);
    return (Str){kept, used};
}

static void context_set(Context *c, Str word, TaggerCase letters)
{
    size_t dash = str_find_char(word, '-'), at = 0;
    unsigned classes;
    Str lower = lower_into(c->kept, word);
    c->word = letters == TAGGER_LOWER_CASE ? lower : word;
    if (dash != SIZE_MAX && dash > 0)
        c->normal = STR("!HYPHEN");
    else if (is_year(word))
        c->normal = STR("!YEAR");
    else if (chars_next(word, &at, &classes), classes & CHAR_DIGIT)
        c->normal = STR("!DIGITS");
    else
        c->normal = lower;
}

static void context_set_edge(Context *c, Str name)
{
    c->word = (Str){0};
    c->normal = name;
}

/* A window of five words slides over the text: [2] is the one to be tagged. */
typedef struct Window {
    Context slots[5];
    unsigned first;      /* slot of the word two before */
    Str before, before2; /* tags */
} Window;

static Context *window_at(Window *w, unsigned index)
{
    return &w->slots[(w->first + index) % ARRAY_COUNT(w->slots)];
}

static unsigned weight_tag(uint16_t weight)
{
    return weight >> WEIGHT_BITS;
}

/* The low bits, two's complement. */
static int weight_steps(uint16_t weight)
{
    int sign = 1 << (WEIGHT_BITS - 1);
    return ((weight & ((1 << WEIGHT_BITS) - 1)) ^ sign) - sign;
}

static void add_scores(const Model *model, uint64_t hash, int *scores)
{
    unsigned count;
    const uint16_t *weights = find_weights(model, hash, &count);
    for (unsigned i = 0; i < count; i++)
        scores[weight_tag(weights[i])] += weight_steps(weights[i]);
}

static Str first_letter(Str word)
{
    size_t at = 0;
    str_next_code_point(word, &at);
    return str_slice(word, 0, at);
}

/* The letters are those of scripts/train-tagger. */
static void score_features(const Model *model, Window *w, int *scores)
{
    Str word = window_at(w, 2)->word, normal = window_at(w, 2)->normal;
    Str previous = window_at(w, 1)->normal, following = window_at(w, 3)->normal;
    add_scores(model, hash_of('b', STR_EMPTY), scores);
    add_scores(model, hash_of('s', last_three(word)), scores);
    add_scores(model, hash_of('p', first_letter(word)), scores);
    add_scores(model, hash_of('w', normal), scores);
    add_scores(model, hash_of('x', previous), scores);
    add_scores(model, hash_of('y', last_three(previous)), scores);
    add_scores(model, hash_of('X', window_at(w, 0)->normal), scores);
    add_scores(model, hash_of('n', following), scores);
    add_scores(model, hash_of('m', last_three(following)), scores);
    add_scores(model, hash_of('N', window_at(w, 4)->normal), scores);
    uint64_t before3 = hash_add(hash_of('3', w->before), STR(" "));
    uint64_t before4 = hash_add(hash_of('4', w->before), STR(" "));
    add_scores(model, hash_of('1', w->before), scores);
    add_scores(model, hash_of('2', w->before2), scores);
    add_scores(model, hash_add(before3, w->before2), scores);
    add_scores(model, hash_add(before4, normal), scores);
}

/* The tag of the window's middle word; words that only ever had one tag need no features. */
static unsigned best_tag(const Model *model, Window *w)
{
    unsigned count;
    const uint16_t *only = find_weights(model, hash_of('d', window_at(w, 2)->word), &count);
    if (count > 0)
        return weight_tag(*only);
    int scores[TAGS_MAX] = {0};
    score_features(model, w, scores);
    unsigned best = 0;
    for (unsigned i = 1; i < model->tags; i++) {
        if (scores[i] >= scores[best]) /* ties: the greater label */
            best = i;
    }
    return best;
}

/* A walk over the words of all sentences. */
typedef struct TextWalk {
    Str rest;
    WordWalk words;
} TextWalk;

static bool text_walk_next(TextWalk *walk, Str *ret_word)
{
    Str sentence;
    while (!word_walk_next(&walk->words, ret_word)) {
        if (!words_next_sentence(&walk->rest, &sentence))
            return false;
        walk->words = word_walk(sentence);
    }
    return true;
}

static void window_push(Window *w, TextWalk *walk, TaggerCase letters, bool *ended)
{
    static const Str ends[] = {{"-END-", 5}, {"-END2-", 6}};
    Str word;
    w->first = (w->first + 1) % ARRAY_COUNT(w->slots);
    if (text_walk_next(walk, &word)) {
        context_set(window_at(w, 4), word, letters);
        return;
    }
    context_set_edge(window_at(w, 4), ends[*ended]);
    *ended = true;
}

void tagger_tag(Str text, TaggerCase letters, TaggerEach *each, void *context)
{
    Model model = model_open();
    TextWalk walk = {.rest = text};
    Window window = {.before = STR("-START-"), .before2 = STR("-START2-")};
    bool ended = false;
    context_set_edge(window_at(&window, 3), STR("-START-"));
    context_set_edge(window_at(&window, 4), STR("-START2-"));
    for (int i = 0; i < 3; i++)
        window_push(&window, &walk, letters, &ended);
    while (window_at(&window, 2)->word.data) {
        Str label = model_label(&model, best_tag(&model, &window));
        if (!each(context, window_at(&window, 2)->word, label))
            return;
        window.before2 = window.before;
        window.before = label;
        window_push(&window, &walk, letters, &ended);
    }
}

static bool stop_at_verb(void *context, Str word, Str label)
{
    (void)word;
    bool *found = context;
    *found = str_starts_with(label, STR("VB"));
    return !*found;
}

bool tagger_finds_verb(Str text, TaggerCase letters)
{
    bool found = false;
    tagger_tag(text, letters, stop_at_verb, &found);
    return found;
}
