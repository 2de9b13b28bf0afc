package transform

import (
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"math"
	"math/big"
	"math/bits"
	"path"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"
)

// CSSNames sets how a CSS module names its classes. The zero value makes names local, exports them as written, and
// derives the page's names from the file and the name.
type CSSNames struct {
	// Convention is "camelCase" or "dashes" to export names in camel case too, "camelCaseOnly" or "dashesOnly" to
	// export only camel case. The forms with "dashes" keep underscores.
	Convention string
	// Pattern is the pattern of the page's names, such as "[name]__[local]___[hash:base64:5]".
	Pattern string
	// HashPrefix goes into the hashes of names.
	HashPrefix string
	// Global keeps names that are not marked :local.
	Global bool
	// ExportGlobals exports names that are marked :global, too.
	ExportGlobals bool
}

// renamed applies the convention to the names of exports.
func (n CSSNames) renamed(list []CSSExport) []CSSExport {
	if n.Convention == "" {
		return append([]CSSExport{}, list...)
	}
	camel := camelCase
	if strings.HasPrefix(n.Convention, "dashes") {
		camel = camelDashes
	}
	var table exportTable
	for _, e := range list {
		if !strings.HasSuffix(n.Convention, "Only") {
			table.set(e.Name, e.Value)
		}
		table.set(camel(e.Name), e.Value)
	}
	return append([]CSSExport{}, table.list...)
}

var dashesAndLetter = regexp.MustCompile(`-+(\w)`)

// camelDashes turns dashes into camel case, and leaves the rest of the name.
func camelDashes(name string) string {
	return dashesAndLetter.ReplaceAllStringFunc(name, func(m string) string { return strings.ToUpper(m[len(m)-1:]) })
}

// camelCase returns the name in camel case, as lodash does: the words are where letters turn to capitals or digits, and
// letters lose their accents.
func camelCase(name string) string {
	var b strings.Builder
	for i, word := range words(withoutAccents(name)) {
		word = strings.ToLower(word)
		if i > 0 {
			first, n := utf8.DecodeRuneInString(word)
			word = string(unicode.ToUpper(first)) + word[n:]
		}
		b.WriteString(word)
	}
	return b.String()
}

var nameWords = regexp.MustCompile(`\p{Lu}?[\p{Ll}\p{Lo}\p{Lt}\p{M}]+|\p{Lu}+|\d+`)

// words splits a name. Capitals in a row are a word, without the last when it begins the next word.
func words(name string) []string {
	name = strings.NewReplacer("'", "", "’", "").Replace(name)
	var list []string
	for len(name) > 0 {
		at := nameWords.FindStringIndex(name)
		if at == nil {
			return list
		}
		word := name[at[0]:at[1]]
		if strings.TrimLeftFunc(word, unicode.IsUpper) == "" {
			word = leadingCapitals(name[at[0]:])
		}
		list = append(list, word)
		name = name[at[0]+len(word):]
	}
	return list
}

// leadingCapitals returns the capitals in a row that are a word: all, or all but the last before a small letter.
func leadingCapitals(name string) string {
	rest := strings.TrimLeftFunc(name, unicode.IsUpper)
	capitals := name[:len(name)-len(rest)]
	if next, _ := utf8.DecodeRuneInString(rest); rest != "" && unicode.IsLower(next) {
		_, n := utf8.DecodeLastRuneInString(capitals)
		capitals = capitals[:len(capitals)-n]
	}
	return capitals
}

// accents are letters of Latin, each followed by what it is without its accent.
const accents = "ÀA ÁA ÂA ÃA ÄA ÅA àa áa âa ãa äa åa ÇC çc ÐD ðd ÈE ÉE ÊE ËE èe ée êe ëe ÌI ÍI ÎI ÏI ìi íi îi ïi ÑN ñn " +
	"ÒO ÓO ÔO ÕO ÖO ØO òo óo ôo õo öo øo ÙU ÚU ÛU ÜU ùu úu ûu üu ÝY ýy ÿy ÆAe æae ÞTh þth ßss ĀA ĂA ĄA āa ăa ąa ĆC ĈC ĊC " +
	"ČC ćc ĉc ċc čc ĎD ĐD ďd đd ĒE ĔE ĖE ĘE ĚE ēe ĕe ėe ęe ěe ĜG ĞG ĠG ĢG ĝg ğg ġg ģg ĤH ĦH ĥh ħh ĨI ĪI ĬI ĮI İI ĩi īi ĭi " +
	"įi ıi ĴJ ĵj ĶK ķk ĸk ĹL ĻL ĽL ĿL ŁL ĺl ļl ľl ŀl łl ŃN ŅN ŇN ŊN ńn ņn ňn ŋn ŌO ŎO ŐO ōo ŏo őo ŔR ŖR ŘR ŕr ŗr řr ŚS ŜS " +
	"ŞS ŠS śs ŝs şs šs ŢT ŤT ŦT ţt ťt ŧt ŨU ŪU ŬU ŮU ŰU ŲU ũu ūu ŭu ůu űu ųu ŴW ŵw ŶY ŷy ŸY ŹZ ŻZ ŽZ źz żz žz ĲIJ ĳij ŒOe " +
	"œoe ŉ'n ſs"

var plainLetters = sync.OnceValue(func() *strings.Replacer {
	var pairs []string
	for letter := range strings.FieldsSeq(accents) {
		_, n := utf8.DecodeRuneInString(letter)
		pairs = append(pairs, letter[:n], letter[n:])
	}
	return strings.NewReplacer(pairs...)
})

func withoutAccents(name string) string {
	for i := range len(name) {
		if name[i] >= 0x80 {
			return strings.Map(func(c rune) rune {
				if c >= 0x300 && c <= 0x36f || c >= 0xfe20 && c <= 0xfe2f || c >= 0x20d0 && c <= 0x20ff {
					return -1
				}
				return c
			}, plainLetters().Replace(name))
		}
	}
	return name
}

// nameMaker makes the page's names.
type nameMaker struct {
	names  CSSNames
	hashes map[string]string // of files
}

// scoped returns the page's name for a local name of a file, which the stylesheet writes as raw. Names follow from the
// file's path and not from its text, so that they stay while the file is edited.
func (n nameMaker) scoped(file, name, raw string) string {
	if n.names.Pattern != "" {
		return n.fromPattern(file, raw)
	}
	hash, known := n.hashes[file]
	if !known {
		sum := sha256.Sum256([]byte(n.names.HashPrefix + file))
		hash = digitsOf(sum[:], lettersOf["base36"], 7)
		n.hashes[file] = hash
	}
	name = strings.Join(strings.Fields(name), "_") // a class in HTML ends at a space
	return "_" + name + "_" + hash
}

var (
	patternLocal = regexp.MustCompile(`(?i)\[local\]`)
	patternHash  = regexp.MustCompile(`(?i)\[(?:([^\[:\]]+):)?(?:hash|contenthash)(?::([a-z]+\d*(?:safe)?))?(?::(\d+))?\]`)
	patternPart  = regexp.MustCompile(`(?i)\[(ext|name|path|folder|query)\]`)
	notInName    = regexp.MustCompile(`[^a-zA-Z0-9\-_\x{A0}-\x{10FFFF}]`)
	notFirst     = regexp.MustCompile(`^(?:-?[0-9]|--)`)
	upwards      = regexp.MustCompile(`\.\.(/)?`)
)

// fromPattern fills the pattern as loader-utils does: other tools of a project make the same names.
func (n nameMaker) fromPattern(file, raw string) string {
	base := path.Base(file)
	ext := path.Ext(base)
	dir := upwards.ReplaceAllString(strings.TrimSuffix(file, base), "_$1")
	folder := ""
	if dir != "" {
		folder = path.Base(dir)
	}
	name := patternLocal.ReplaceAllLiteralString(n.names.Pattern, raw)
	name = patternHash.ReplaceAllStringFunc(name, func(part string) string {
		m := patternHash.FindStringSubmatch(part)
		return nameHash(n.names.HashPrefix+file+"\x00"+raw, m[1], m[2], m[3])
	})
	name = patternPart.ReplaceAllStringFunc(name, func(part string) string {
		switch strings.ToLower(part) {
		case "[ext]":
			return strings.TrimPrefix(ext, ".")
		case "[name]":
			return strings.TrimSuffix(base, ext)
		case "[path]":
			return dir
		case "[folder]":
			return folder
		}
		return ""
	})
	name = notInName.ReplaceAllString(name, "-")
	if notFirst.MatchString(name) {
		name = "_" + name
	}
	return name
}

// UnknownHashes returns the parts of the pattern, such as "[md4:hash]", whose algorithm or base is unknown. Names get
// xxhash64 or hexadecimal digits instead.
func (n CSSNames) UnknownHashes() (parts []string) {
	for _, m := range patternHash.FindAllStringSubmatch(n.Pattern, -1) {
		algorithm, digest := m[1], m[2]
		known := algorithm == "" || algorithm == "xxhash64" || hashSum(algorithm, "") != nil
		if known && digest != "" && digest != "hex" && digest != "base64" {
			_, known = lettersOf[digest]
		}
		if !known {
			parts = append(parts, m[0])
		}
	}
	return parts
}

// lettersOf are the digits of the hashes in a base that is not hexadecimal.
var lettersOf = map[string]string{
	"base26":     "abcdefghijklmnopqrstuvwxyz",
	"base32":     "123456789abcdefghjkmnpqrstuvwxyz",
	"base36":     "0123456789abcdefghijklmnopqrstuvwxyz",
	"base49":     "abcdefghijkmnopqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ",
	"base52":     "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ",
	"base58":     "123456789abcdefghijkmnopqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ",
	"base62":     "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ",
	"base64safe": "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_",
}

// nameHash returns the hash of a text by an algorithm, in the digits and with the length of the pattern. An algorithm
// that it does not know is as none.
func nameHash(text, algorithm, digest, length string) string {
	sum := hashSum(algorithm, text)
	if sum == nil {
		sum = binary.BigEndian.AppendUint64(nil, xxHash64([]byte(text)))
	}
	n, err := strconv.Atoi(length)
	if err != nil || n <= 0 {
		n = 9999 // all of it
	}
	if letters, ok := lettersOf[digest]; ok {
		return digitsOf(sum, letters, n)
	}
	hash := hex.EncodeToString(sum)
	if digest == "base64" {
		hash = base64.StdEncoding.EncodeToString(sum)
	}
	return hash[:min(n, len(hash))]
}

// hashSum returns the sum of a text by an algorithm with a name in the pattern, nil for others.
func hashSum(algorithm, text string) []byte {
	switch algorithm {
	case "md5":
		s := md5.Sum([]byte(text))
		return s[:]
	case "sha1":
		s := sha1.Sum([]byte(text))
		return s[:]
	case "sha256":
		s := sha256.Sum256([]byte(text))
		return s[:]
	case "sha384":
		s := sha512.Sum384([]byte(text))
		return s[:]
	case "sha512":
		s := sha512.Sum512([]byte(text))
		return s[:]
	}
	return nil
}

// digitsOf returns the last n digits of a number, whose lowest byte comes first.
func digitsOf(sum []byte, letters string, n int) string {
	base := float64(len(letters))
	n = min(n, int(math.Ceil(float64(len(sum)*8)/math.Log2(base))))
	number := new(big.Int)
	for i := len(sum) - 1; i >= 0; i-- {
		number.Lsh(number, 8).Or(number, big.NewInt(int64(sum[i])))
	}
	text := make([]byte, n)
	digit, by := new(big.Int), big.NewInt(int64(len(letters)))
	for i := n - 1; i >= 0; i-- {
		number.DivMod(number, by, digit)
		text[i] = letters[digit.Int64()]
	}
	return string(text)
}

// xxHash64 is the hash of https://xxhash.com with the seed 0.
func xxHash64(data []byte) uint64 {
	const (
		prime1 uint64 = 11400714785074694791
		prime2 uint64 = 14029467366897019727
		prime3 uint64 = 1609587929392839161
		prime4 uint64 = 9650029242287828579
		prime5 uint64 = 2870177450012600261
	)
	round := func(acc, lane uint64) uint64 { return bits.RotateLeft64(acc+lane*prime2, 31) * prime1 }
	size := uint64(len(data))
	hash := prime5
	if len(data) >= 32 {
		one, two := prime1, prime2 // sums may overflow, but not between constants
		acc := [4]uint64{one + two, two, 0, -one}
		for ; len(data) >= 32; data = data[32:] {
			for i := range acc {
				acc[i] = round(acc[i], binary.LittleEndian.Uint64(data[8*i:]))
			}
		}
		hash = bits.RotateLeft64(acc[0], 1) + bits.RotateLeft64(acc[1], 7) + bits.RotateLeft64(acc[2], 12) + bits.RotateLeft64(acc[3], 18)
		for _, a := range acc {
			hash = (hash^round(0, a))*prime1 + prime4
		}
	}
	hash += size
	for ; len(data) >= 8; data = data[8:] {
		hash = bits.RotateLeft64(hash^round(0, binary.LittleEndian.Uint64(data)), 27)*prime1 + prime4
	}
	if len(data) >= 4 {
		hash = bits.RotateLeft64(hash^uint64(binary.LittleEndian.Uint32(data))*prime1, 23)*prime2 + prime3
		data = data[4:]
	}
	for _, c := range data {
		hash = bits.RotateLeft64(hash^uint64(c)*prime5, 11) * prime1
	}
	hash = (hash ^ hash>>33) * prime2
	hash = (hash ^ hash>>29) * prime3
	return hash ^ hash>>32
}
