#!/bin/sh
# The main job on a drawn catalog, from nothing to a page of near-duplicates. Usage: demo.sh FOLDER
set -eu
folder=$1

say() { printf '\n\033[1m$ %s\033[0m\n' "$*"; "$@"; }

rm -rf "$folder"
mkdir -p "$folder"
cd "$folder"
say itemsearch sample-catalog sample --products 600
say itemsearch check sample/catalog.csv
say itemsearch embed sample/catalog.csv --out store
say itemsearch index build store --out index

# The first product that was listed twice, by the truth that was drawn with the catalog.
id=$(cut -d, -f2 sample/labels.csv | sort | uniq -d | head -n 1 | xargs -I{} grep ",{}$" sample/labels.csv | head -n 1 | cut -d, -f1)
say itemsearch search index --id "$id" -k 5
say itemsearch search index --title "striped mug" -k 5
say itemsearch search index --image "sample/images/$id.jpg" -k 3
say itemsearch duplicates index --out duplicates
say python -m itemsearch.benchmarks.experiments.estimates_and_truth duplicates sample/labels.csv
printf '\nOpen %s/duplicates/report.html in a browser.\n' "$folder"
