package moduleid

import (
	"cmp"
	"path/filepath"
	"strings"
)

// contentTypes are the types of the files that web apps have, by extension. Types of the machine are not asked:
// machines differ, and a wrong type keeps a browser from using the file.
var contentTypes = func() map[string]string {
	types := map[string]string{}
	for line := range strings.Lines(`
		text/javascript js mjs cjs jsx ts mts cts tsx
		text/css css
		text/html html htm
		text/plain txt text log conf ini
		text/markdown md markdown
		text/csv csv
		text/tab-separated-values tsv
		text/vtt vtt
		text/calendar ics
		text/xml xml
		text/yaml yaml yml
		text/wgsl wgsl
		application/json json json5 map
		application/geo+json geojson
		application/ld+json jsonld
		application/manifest+json webmanifest
		application/wasm wasm
		application/xhtml+xml xhtml xht
		application/xml xsl xsd
		application/rss+xml rss
		application/atom+xml atom
		application/pdf pdf
		application/rtf rtf
		application/zip zip
		application/gzip gz
		application/x-tar tar
		application/vnd.apple.mpegurl m3u8
		application/dash+xml mpd
		application/vnd.ms-fontobject eot
		application/ogg ogx
		image/apng apng
		image/avif avif
		image/bmp bmp
		image/gif gif
		image/heic heic
		image/heif heif
		image/jpeg jpg jpeg jpe jfif pjpeg pjp
		image/jxl jxl
		image/jp2 jp2
		image/ktx ktx
		image/ktx2 ktx2
		image/png png
		image/svg+xml svg svgz
		image/tiff tif tiff
		image/vnd.radiance hdr
		image/aces exr
		image/webp webp
		image/x-icon ico cur
		audio/aac aac
		audio/flac flac
		audio/midi mid midi
		audio/mp4 m4a
		audio/mpeg mp3
		audio/ogg oga ogg opus
		audio/wav wav
		audio/webm weba
		video/3gpp 3gp
		video/mp2t m2ts
		video/mp4 mp4 m4v
		video/mpeg mpeg mpg
		video/ogg ogv
		video/quicktime mov
		video/webm webm
		font/collection ttc
		font/otf otf
		font/ttf ttf
		font/woff woff
		font/woff2 woff2
		model/gltf+json gltf
		model/gltf-binary glb
		model/obj obj
		model/stl stl
		model/vnd.usdz+zip usdz
	`) {
		if fields := strings.Fields(line); len(fields) > 0 {
			for _, ext := range fields[1:] {
				types["."+ext] = fields[0]
				if strings.HasPrefix(fields[0], "text/") {
					types["."+ext] += "; charset=utf-8"
				}
			}
		}
	}
	return types
}()

// UnknownType is the media type of a file whose name says nothing.
const UnknownType = "application/octet-stream"

// ContentType returns the media type of a file by its name. Unknown files are of UnknownType: a type is never guessed
// from content.
func ContentType(file string) string {
	return cmp.Or(contentTypes[strings.ToLower(filepath.Ext(file))], UnknownType)
}
