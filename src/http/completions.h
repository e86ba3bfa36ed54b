/* completions.h - the way back of exchanges, from network threads to those who wait. Inside http/ only. */
#ifndef HTTP_COMPLETIONS_H
#define HTTP_COMPLETIONS_H

#include "http/exchange_list.h"

/* Empties `ended`: one lock and at most one wake-up for neighbours in it of the same completions. */
void completions_return(ExchangeList *ended);

#endif
