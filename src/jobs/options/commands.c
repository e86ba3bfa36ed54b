/* commands.c - the commands that exist, for parser, help, manual and completion. */
#include "jobs/options/table.h"

#include "jobs/options/nearest.h"

#define LIBRARY_PLACES                                                                                                 \
    "A place is s3://bucket/prefix, file:///path or a bare path. Keys are taken literally: ?, # and % have no meaning."

static const CommandDef COMMAND_TABLE[COMMANDS] = {
    [COMMAND_FETCH] =
        {.name = "fetch",
         .section = "fetch",
         .origin = ORIGIN_S4,
         .summary = "a local copy of a prefix, kept current",
         .description =
             "Brings all objects whose keys begin with PREFIX, restricted by the manifest object that lies among them and by patterns, "
             "into one directory, by their base names, and prints the paths. Only what is absent or differs is downloaded; what the "
             "last run brought and this one does not name is deleted; other files are never touched. Until everything is there "
             "the files of the last run stay as they are. The directory and its manifest are those of mleko's S3Ingester, "
             "which may go on with them and the reverse.\n\n"
             "The directory is DIR/ID, where ID is --dataset-id, or the MD5 of bucket, prefix and region; the region of the environment does "
             "not count for it. With --shard I/N, or in an array job, each part of the keys is a dataset of its own, DIR/ID-I-of-N; --shard 0/1 "
             "brings all of them.\n\n" LIBRARY_PLACES,
         .arguments = {{"URL", "source", false, false,
                        "what to fetch: s3://BUCKET/PREFIX, used verbatim, or a directory"}},
         .examples = {{"quern fetch s3://mleko-datasets/kaggle/food --file-pattern '*.csv' --dataset-id food",
                       "the tables of a prefix in data/s3-ingester/food"},
                      {"quern fetch s3://bucket/export/ --s3-timestamp-tolerance 2 --require-manifest",
                       "only when they were written within two hours and the manifest's files are all there"},
                      {"quern fetch s3://bucket/export/ --dry-run", "what would be kept, downloaded and deleted"}},
         .statuses = {1, 3, 4, 6, 7, 8, 9, 10, 11, 130, 143}},
    [COMMAND_INGEST] =
        {.name = "ingest",
         .section = "ingest",
         .origin = ORIGIN_S1,
         .summary = "documents of a bucket or directory to element JSON or Parquet",
         .description =
             "Reads every document below URL, splits it into typed elements (titles, paragraphs, list items, tables) and writes "
             "them to the output directory. Documents are parsed by processes that can neither open files nor connect. A "
             "document that fails does not stop the others. What is already done is skipped, so that a run can be stopped at "
             "any moment and started again.\n\n"
             "A document that was meant and cannot be read (damaged, encrypted, of a type that nobody here reads, in need of OCR where there is none) "
             "fails, with the reason, and the exit status is 1, as it is when only a part could be read; every run says so until --exclude leaves "
             "the document out or it is another version. What nobody can read, and what was read in part, is not fetched again by later runs; quern "
             "retry does.\n\n" LIBRARY_PLACES,
         .arguments = {{"URL", "s3-url", true, false, "where the documents are, as --s3-url"}},
         .examples = {{"quern ingest --s3-url s3://bucket/small-pdf-set/ --anonymous --num-processes 4",
                       "four documents at once from a public bucket"},
                      {"quern ingest ./documents --output-dir elements --output-format parquet",
                       "a directory into Parquet files, ready for quern load"},
                      {"quern ingest s3://bucket/in/ --output-dir s3://bucket/out/ --dry-run", "what would be done"}},
         .statuses = {1, 3, 4, 6, 7, 8, 9, 10, 11, 130, 143}},
    [COMMAND_PARTITION] =
        {.name = "partition",
         .section = "ingest",
         .origin = ORIGIN_S1,
         .summary = "local files, or standard input, to elements on standard output",
         .description =
             "Splits each FILE into typed elements as quern ingest does, with the same options, and prints them as JSON: an array "
             "a document, or with --output-format ndjson a line an element. Documents are parsed by a process that can "
             "neither open files nor connect. A FILE that cannot be read as a document does not keep the others from being printed; the exit "
             "status is then 1, and the error says why.",
         .arguments = {{"FILE", NULL, true, true, "a local file; - is standard input"}},
         .examples = {{"quern partition report.pdf", "its elements"},
                      {"quern partition - --output-format ndjson < page.html", "a line an element"},
                      {"quern partition book.epub --chunking-strategy by_title", "chunks instead"}},
         .statuses = {1, 3, 4, 6, 8, 130, 143}},
    [COMMAND_LOAD] =
        {.name = "load",
         .section = "load",
         .origin = ORIGIN_S2,
         .summary = "Parquet files to a table of a database, with a full-text index",
         .description =
             "Reads all Parquet files below SOURCE as one table. Readers see the old table or the new one, never a mixture. "
             "A second run loads only what is new.\n\n" LIBRARY_PLACES,
         .arguments = {{"SOURCE", "source", true, false, "where the Parquet files are"}},
         .examples = {{"quern load elements --table elements --to sqlite:search.db",
                       "Parquet files of a directory into SQLite"},
                      {"quern load s3://exports/product/ --table product --mode append --to sqlite:shop.db",
                       "add to a table"}},
         .statuses = {1, 3, 4, 6, 7, 8, 9, 10, 11, 130, 143},
         .older_files = true},
    [COMMAND_SET_TIMESTAMP] =
        {.name = "set-timestamp",
         .section = "set_timestamp",
         .origin = ORIGIN_S3,
         .summary = "the time of an object's newest record into its metadata",
         .description =
             "Reads JSON lines (bzip2, gzip, Zstandard or plain), takes the time stamp of the first usable record, or with --all-lines the "
             "latest of all, and writes it as user metadata by a copy of the object onto itself; an object without any gets the time of its "
             "last modification. Content, headers, other metadata and tags stay as they are, and an object that changes meanwhile is not "
             "overwritten. Objects that carry the name already are skipped.\n\n"
             "SE_ACCESS_KEY, SE_SECRET_KEY, SE_HOST_URL and SE_REGION count as in impresso-essentials.\n\n" LIBRARY_PLACES,
         .examples = {{"quern set-timestamp --s3-prefix s3://122-rebuilt-final/GDL/ --ts-key cdt --all-lines",
                       "every .jsonl.bz2 of a title"},
                      {"quern set-timestamp --s3-prefix s3://122-rebuilt-final/ --report",
                       "which objects have no time stamp yet"},
                      {"quern set-timestamp --s3-file s3://bucket/a.jsonl.gz --output s3://other/a.jsonl.gz",
                       "one object, written to another place"}},
         .statuses = {1, 3, 4, 6, 7, 8, 9, 10, 11, 130, 143}},
    [COMMAND_ADD_PROVIDER] =
        {.name = "add-provider",
         .section = "add_provider",
         .origin = ORIGIN_S3,
         .summary = "the provider level into the keys of a partition",
         .description =
             "Copies PARTITION/ALIAS/... to PARTITION/PROVIDER/ALIAS/..., in the same bucket or into another one, with all headers, metadata and "
             "tags. First the whole partition is listed and every key gets its provider: when one has none, all such keys are said and nothing "
             "is changed. A destination that is there already must be equal. With --remove-src-keys a source goes once its copy is proven equal "
             "(size, content, metadata); that flag is the consent. A run that was killed is simply started again.\n\n"
             "SE_ACCESS_KEY, SE_SECRET_KEY, SE_HOST_URL and SE_REGION count as in impresso-essentials.\n\n" LIBRARY_PLACES,
         .examples =
             {{"quern add-provider --s3-partition-path=s3://142-processed/langident/v1 --log-file=p.log --no-copy",
               "what would be copied"},
              {"quern add-provider --s3-partition-path=s3://142-processed/langident/v1 --log-file=p.log "
               "--remove-src-keys",
               "in place"},
              {"quern add-provider --s3-partition-path=s3://22-rebuilt-final --log-file=p.log "
               "--dest-bucket=122-rebuilt-final",
               "into the next release's bucket"}},
         .statuses = {1, 3, 4, 6, 7, 8, 9, 10, 11, 130, 143}},
    [COMMAND_COPY] =
        {.name = "copy",
         .section = "copy",
         .origin = ORIGIN_S3,
         .summary = "objects with their metadata to another place",
         .description =
             "Copies what is at or below SOURCE into the folder DEST, with headers, metadata and tags: within one service by the service itself, "
             "else through this machine, in bounded memory. What is there already is skipped, and where only the metadata differ only they "
             "are rewritten. Nothing is ever deleted; folder markers are not copied. --include and --exclude are those of rclone.\n\n"
             "The settings of S3 count for both sides; --dest-endpoint-url, --dest-region, --dest-profile and the keys "
             "copy.dest_aws_access_key_id and copy.dest_aws_secret_access_key are the destination's own. SE_ACCESS_KEY, SE_SECRET_KEY, "
             "SE_HOST_URL and SE_REGION count as in impresso-essentials.\n\n" LIBRARY_PLACES,
         .arguments = {{"SOURCE", "from", true, false, "an object, or all below a prefix or directory, as --from"},
                       {"DEST", "to", true, false, "a folder, as --to"}},
         .examples =
             {{"quern copy --progress --metadata --exclude='*.json' s3://22-rebuilt-final/ s3://122-rebuilt-final/",
               "a release to its next bucket"},
              {"quern copy s3://bucket/a/ s3://bucket/b/ --dry-run --differences", "what would change, and how"},
              {"quern copy s3://bucket/a/ ./a", "a directory with what is in a bucket"}},
         .statuses = {1, 3, 4, 6, 7, 8, 9, 10, 11, 130, 143}},
    [COMMAND_SEARCH] =
        {.name = "search",
         .section = "search",
         .origin = ORIGIN_S2,
         .summary = "ranked hits from a table that was loaded",
         .description =
             "Prints the best rows for QUERY, best first: rank, key, score and a snippet with the words marked.",
         .arguments = {{"QUERY", NULL, true, false, "words to look for"}},
         .examples = {{"quern search \"red shoes\" --table product --limit 5 --to sqlite:shop.db",
                       "the five best hits"}},
         .statuses = {3, 4, 6},
         .older_files = true},
    [COMMAND_LS] =
        {.name = "ls",
         .section = "ls",
         .summary = "keys of a place with size, time and ETag",
         .description =
             "Lists what is at PLACE, in ascending byte order: one level, or with --recursive every key, many parts of a bucket "
             "at the same time. Memory stays bounded. s3:// alone lists the buckets. Where nothing is found the exit status is 0; a "
             "bucket or directory that is not there is 6.\n\n"
             "Control characters in keys, and bytes that are not UTF-8, are shown as \\xNN, in a pipe too, so that a key is a line; --json has "
             "control characters as JSON has them.\n\n" LIBRARY_PLACES,
         .arguments = {{"PLACE", NULL, true, false, "what to list"}},
         .examples = {{"quern ls s3://bucket/prefix/", "one level"},
                      {"quern ls s3://bucket/ --count", "how many keys and bytes"},
                      {"quern ls s3://bucket/report.pdf --versions", "every version of one key"}},
         .statuses = {3, 4, 6, 130}},
    [COMMAND_PARQUET_SCHEMA] = {.name = "parquet schema",
                                .section = "parquet",
                                .summary = "columns of a Parquet file with their types",
                                .arguments = {{"FILE", NULL, true, false, "a Parquet file, local or in a store"}},
                                .examples = {{"quern parquet schema s3://bucket/part-00000.parquet", "the columns"}},
                                .statuses = {1, 3, 4, 6}},
    [COMMAND_PARQUET_CAT] = {.name = "parquet cat",
                             .section = "parquet",
                             .summary = "rows of a Parquet file as JSON lines",
                             .arguments = {{"FILE", NULL, true, false, "a Parquet file, local or in a store"}},
                             .examples = {{"quern parquet cat elements/part-00000.parquet --columns type,text",
                                           "two columns"}},
                             .statuses = {1, 3, 4, 6, 130}},
    [COMMAND_PARQUET_HEAD] = {.name = "parquet head",
                              .section = "parquet",
                              .summary = "the first rows of a Parquet file as JSON lines",
                              .arguments = {{"FILE", NULL, true, false, "a Parquet file, local or in a store"}},
                              .examples = {{"quern parquet head elements/part-00000.parquet --limit 3", "three rows"}},
                              .statuses = {1, 3, 4, 6}},
    [COMMAND_PARQUET_META] = {.name = "parquet meta",
                              .section = "parquet",
                              .summary = "row groups, encodings, statistics and key-values of a Parquet file",
                              .arguments = {{"FILE", NULL, true, false, "a Parquet file, local or in a store"}},
                              .examples = {{"quern parquet meta elements/part-00000.parquet", "what the footer says"}},
                              .statuses = {1, 3, 4, 6}},
    [COMMAND_UPLOADS_LIST] =
        {.name = "uploads list",
         .section = "uploads",
         .summary = "unfinished multipart uploads of a place",
         .description =
             "Shows what writers that were killed have left in a bucket: when each upload began, how many parts and bytes of it are stored, "
             "and paid for. Runs of quern abort their own on every way out; a lifecycle rule (AbortIncompleteMultipartUpload) does it for "
             "all others.\n\n" LIBRARY_PLACES,
         .arguments = {{"PLACE", NULL, true, false, "where to look"}},
         .examples = {{"quern uploads list s3://bucket/", "those that began more than a day ago"},
                      {"quern uploads list s3://bucket/exports/ --older 0", "all of them"}},
         .statuses = {3, 4, 6, 130}},
    [COMMAND_UPLOADS_ABORT] =
        {.name = "uploads abort",
         .section = "uploads",
         .summary = "end unfinished multipart uploads and free what they hold",
         .description =
             "Says how many there are and what they hold, asks, and aborts them. Where nobody can be asked it needs --yes. An upload that is "
             "still being written fails for its writer.\n\n" LIBRARY_PLACES,
         .arguments = {{"PLACE", NULL, true, false, "where to look"}},
         .examples = {{"quern uploads abort s3://bucket/exports/ --older 7d --yes",
                       "those that began more than a week ago"}},
         .statuses = {1, 3, 4, 6, 130}},
    [COMMAND_STATUS] =
        {.name = "status",
         .section = "status",
         .summary = "the last run of each source and target, and how it went",
         .description =
             "Prints a line for each journal of the state directory, newest first: the run's name, when it began, its command, how it ended "
             "(ok, failures, the error that ended it, killed) or running, how many items failed or are partial, source and target.",
         .arguments = {{"RUN", NULL,
                        false, false, "only this one: its name, the beginning of it, or a journal's path"}},
         .examples = {{"quern status", "all runs"}, {"quern status 20261121T09", "one of them"}},
         .statuses = {1, 6, 10}},
    [COMMAND_WHY] =
        {.name = "why",
         .section = "why",
         .summary = "the failures of a run by reason",
         .description =
             "Prints how a run went, what failed in it and what is done in part, most frequent reason first, with documents that are quarantined "
             "because they killed their parsers twice. With --json every failure is an object of its own.",
         .arguments =
             {{"RUN", NULL, false, false,
               "a run's name, the beginning of it, or a journal's path; the newest run without"}},
         .examples = {{"quern why", "of the newest run"},
                      {"quern why --status crash,oom,timeout --json", "every document that killed its parser"}},
         .statuses = {1, 6, 10}},
    [COMMAND_RETRY] =
        {.name = "retry",
         .section = "retry",
         .summary = "again what failed in a run of ingest",
         .description =
             "Works on the documents that failed in RUN, on those of which a part is done, and on those quarantined, with the options of that run, and "
             "on nothing else; a few are asked for by name, many by listing the source. What fails again stays on the list. Credentials and connections come from "
             "environment and configuration files, as for the run itself.",
         .arguments =
             {{"RUN", NULL, false, false,
               "a run's name, the beginning of it, or a journal's path; the newest ingest without"}},
         .examples = {{"quern retry", "all that failed last time"},
                      {"quern retry --status timeout --parse-timeout 30m", "give slow documents more time"}},
         .statuses = {1, 3, 4, 6, 7, 8, 9, 10, 11, 130, 143}},
    [COMMAND_DOCTOR] = {.name = "doctor",
                        .section = "doctor",
                        .origin = ORIGIN_S2,
                        .summary = "check the surroundings: store, database, sandbox",
                        .description = "Tries what a run needs and prints a line for each check.",
                        .examples = {{"quern doctor", "this machine and the parser's sandbox"},
                                     {"quern doctor --s3 s3://bucket/prefix/ --to sqlite:search.db",
                                      "a store and a database too"}},
                        .statuses = {1, 3, 4},
                        .older_files = true},
    [COMMAND_CONFIG_SHOW] = {.name = "config show",
                             .section = "config",
                             .summary = "the values in effect",
                             .arguments = {{"COMMAND", NULL, false, true,
                                            "of this command; without it, of all that have values set"}},
                             .examples = {{"quern config show ingest --origin", "every value and where it came from"}},
                             .statuses = {0}},
    [COMMAND_CONFIG_INIT] = {.name = "config init",
                             .section = "config",
                             .summary = "a commented template of a configuration file",
                             .arguments = {{"COMMAND", NULL, false, true, "only the keys of this command"}},
                             .examples = {{"quern config init ingest > quern.json", "start a configuration file"},
                                          {"quern config init --format env > .env", "or one with variables"}},
                             .statuses = {0}},
    [COMMAND_COMPLETION] = {.name = "completion",
                            .section = "completion",
                            .summary = "completion script for a shell",
                            .arguments = {{"SHELL", NULL, true, false, "bash, zsh or fish"}},
                            .examples = {{"quern completion bash > ~/.local/share/bash-completion/completions/quern",
                                          "for bash"},
                                         {"quern completion zsh > ~/.zfunc/_quern", "for zsh, with ~/.zfunc in fpath"},
                                         {"quern completion fish > ~/.config/fish/completions/quern.fish", "for fish"}},
                            .statuses = {0}},
    [COMMAND_HELP] = {.name = "help",
                      .section = "help",
                      .summary = "the manual page of a command",
                      .arguments = {{"COMMAND", NULL, false, true, "a command; without it, the list of all"}},
                      .examples = {{"quern help ingest", "all about ingest"}},
                      .statuses = {0}},
    [COMMAND_VERSION] = {.name = "version",
                         .section = "version",
                         .summary = "the version of program and library",
                         .examples = {{"quern version", "one line"}},
                         .statuses = {0}},
    [COMMAND_CLIENT] = {.name = "client",
                        .section = "client",
                        .summary = "options of quern_client_new",
                        .library_only = true},
};

const CommandDef *command_def(CommandId id)
{
    ASSERT(id < COMMANDS);
    return &COMMAND_TABLE[id];
}

/* "parquet_schema" and "parquet-schema" are "parquet schema". */
static bool same_command(Str name, Str wanted)
{
    if (name.len != wanted.len)
        return false;
    for (size_t i = 0; i < name.len; i++) {
        char c = wanted.data[i] == '_' || wanted.data[i] == '-' ? ' ' : wanted.data[i];
        char own = name.data[i] == '-' ? ' ' : name.data[i];
        if (c != own)
            return false;
    }
    return true;
}

Error *command_find(Str name, CommandId *ret_id)
{
    Nearest nearest = nearest_to(name);
    for (CommandId id = 0; id < COMMANDS; id++) {
        Str own = str_of(COMMAND_TABLE[id].name);
        if (same_command(own, name)) {
            *ret_id = id;
            return NULL;
        }
        if (!COMMAND_TABLE[id].library_only)
            nearest_offer(&nearest, own);
    }
    if (nearest.best.len > 0)
        return FAIL(INVALID, "there is no command '" STR_FMT "', the nearest is '" STR_FMT "'", STR_ARG(name),
                    STR_ARG(nearest.best));
    return FAIL(INVALID, "there is no command '" STR_FMT "', `quern help` lists them", STR_ARG(name));
}
