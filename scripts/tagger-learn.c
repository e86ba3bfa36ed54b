/* tagger-learn - the inner loop of train-tagger, which compiles it and loads it as a library. All numbers are whole, so that every machine learns
 * the same. */
#include <stdint.h>

enum { TAGS_MAX = 64 };

/* The tokens of all sentences, one after the other, and what has been learned. */
typedef struct Lessons {
    const int32_t *first_token;  /* [sentences + 1] */
    const int32_t *first_number; /* [tokens + 1] */
    const int32_t *numbers;      /* the features of the tokens */
    const int32_t *truths;       /* [tokens]: the tag to be learned */
    int32_t *weights;            /* [features, tags] */
    int64_t *totals;             /* [features, tags]: the sum of each change times the step it was made in */
    int64_t step;                /* tokens seen */
    int32_t tags, margin;
} Lessons;

/* The tag other than `truth` with the greatest score; of equal ones the greater. */
static int32_t find_rival(const int32_t *scores, int32_t tags, int32_t truth)
{
    int32_t best = -1;
    for (int32_t tag = 0; tag < tags; tag++) {
        if (tag != truth && (best < 0 || scores[tag] >= scores[best]))
            best = tag;
    }
    return best;
}

static void change(Lessons *lessons, int32_t number, int32_t tag, int32_t delta)
{
    int64_t at = (int64_t)number * lessons->tags + tag;
    lessons->weights[at] += delta;
    lessons->totals[at] += lessons->step * delta;
}

/* True when the weights had to change: the token's tag must win by the margin. */
static int learn_token(Lessons *lessons, int32_t token)
{
    int32_t scores[TAGS_MAX] = {0}, truth = lessons->truths[token];
    int32_t from = lessons->first_number[token], end = lessons->first_number[token + 1];
    for (int32_t i = from; i < end; i++) {
        const int32_t *weights = lessons->weights + (int64_t)lessons->numbers[i] * lessons->tags;
        for (int32_t tag = 0; tag < lessons->tags; tag++)
            scores[tag] += weights[tag];
    }
    lessons->step++;
    int32_t rival = find_rival(scores, lessons->tags, truth);
    if (scores[truth] >= scores[rival] + lessons->margin)
        return 0;
    for (int32_t i = from; i < end; i++) {
        change(lessons, lessons->numbers[i], truth, 1);
        change(lessons, lessons->numbers[i], rival, -1);
    }
    return 1;
}

/* One pass over the sentences in this order; returns how many tokens changed the weights. */
int32_t tagger_learn(Lessons *lessons, const int32_t *order, int32_t sentences)
{
    int32_t changes = 0;
    for (int32_t i = 0; i < sentences; i++) {
        for (int32_t token = lessons->first_token[order[i]]; token < lessons->first_token[order[i] + 1]; token++)
            changes += learn_token(lessons, token);
    }
    return changes;
}
