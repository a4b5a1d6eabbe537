#!/bin/sh
# Takes pictures of FOLDER/report.html in a headless Chromium: wide and narrow, light and dark, into FOLDER.
# Usage: cargo run -p disprove-reports --example page /tmp/sample && reports/examples/screenshots.sh /tmp/sample
set -eu
folder=$(cd "${1:-.}" && pwd)
chromium=${CHROMIUM:-chromium}
for theme in light dark; do
    # The theme is chosen by the attribute that the page's own button sets.
    sed "s/<html lang=\"en\">/<html lang=\"en\" data-theme=\"$theme\">/" "$folder/report.html" >"$folder/.$theme.html"
    for size in 1280,4000 390,6000; do
        width=${size%,*}
        timeout 120 "$chromium" --headless --no-sandbox --disable-gpu --hide-scrollbars --window-size="$size" \
            --user-data-dir="$folder/.chromium" --screenshot="$folder/$theme-$width.png" "file://$folder/.$theme.html" \
            >/dev/null 2>&1
        echo "$folder/$theme-$width.png"
    done
    rm "$folder/.$theme.html"
done
rm -rf "$folder/.chromium"
