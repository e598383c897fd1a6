// SPDX-License-Identifier: MIT
//
// The shared words of tiny-tales. To add a story, append a plot in
// tiny_tales_plots.cpp; a newcomer's rules:
//  - a beginning, a problem, an ending; 300 to 600 characters in all;
//  - it must read well whichever row or alternative is drawn; after "a" comes
//    only what starts with a consonant sound;
//  - use the shared words where they fit: a model that sees few examples learns
//    a word that many plots use, and every draw makes the text less certain;
//  - no text may have two derivations (the tests check it).

#include "llm/data/tiny_tales.h"

namespace llm {
namespace {

std::vector<std::string> shared_lists() {
  return {
      "name he him his: Mia/she/her/her | Lily/she/her/her | "
      "Anna/she/her/her | Rosa/she/her/her | Nora/she/her/her | "
      "Ella/she/her/her | Zoe/she/her/her | Ivy/she/her/her | "
      "Ruby/she/her/her | Clara/she/her/her | Lucy/she/her/her | "
      "Tess/she/her/her | Tom/he/him/his | Ben/he/him/his | Max/he/him/his | "
      "Sam/he/him/his | Leo/he/him/his | Finn/he/him/his | Jack/he/him/his | "
      "Hugo/he/him/his | Noah/he/him/his | Theo/he/him/his | Milo/he/him/his "
      "| Otto/he/him/his",
      "pal phe phim phis: Bella/she/her/her | Grace/she/her/her | "
      "Wendy/she/her/her | Poppy/she/her/her | Fay/she/her/her | "
      "Dora/she/her/her | Hank/he/him/his | Rudy/he/him/his | Gus/he/him/his "
      "| Toby/he/him/his | Walt/he/him/his | Ned/he/him/his",
      "elder ehe ehis: Grandma/she/her | Grandpa/he/his | Mama/she/her | "
      "Papa/he/his | Aunt May/she/her | Uncle Bert/he/his",
      "animal: fox | bear | rabbit | mouse | owl | frog | duck | squirrel | "
      "badger | goat | lamb | kitten | puppy | hen | goose | mole",
      "other: donkey | parrot | pigeon | cricket | lizard | ox | sparrow | "
      "stork | beaver | otter",
      "town: Appledale | Fernwood | Pebble Bay | Willow Hill | Green Valley |"
      " Honeybrook | Snowdrop Lane | Thistle End",
  };
}

std::vector<std::pair<std::string, std::string>> shared_fragments() {
  return {
      // Words. Those before a noun start with a consonant sound, so "a" fits.
      {"kind",
       "[shy|kind|calm|wild|merry|lazy|wise|bold|tiny|tall|thin|silly|nosy|"
       "proud|quiet|sleepy|hungry|brave|young|jolly]"},
      {"adj",
       "[big|red|blue|new|fine|flat|round|soft|warm|cold|dark|pink|grey|"
       "green|black|white|brown|small|shiny|dusty|heavy|pretty|funny|strange]"},
      {"thing",
       "[hat|cup|key|bell|drum|kite|ball|boat|book|lamp|rope|box|coin|ring|"
       "shell|stone|spoon|jar|sock|shoe|coat|bag|map|doll|harp|fork|pot|"
       "broom]"},
      {"critter",
       "[wolf|crow|swan|toad|hare|sheep|bat|snail|crab|seal|moose|cow|bee|"
       "ant|moth|worm|lion|tiger|camel|panda|zebra|whale|gull|robin]"},
      {"weather",
       "[sunny|rainy|windy|cold|warm|bright|foggy|snowy|dry|mild|hot|wet]"},
      {"day", "[morning|afternoon|evening|day|Monday|Tuesday|Friday|Sunday]"},
      // Verbs that many plots share.
      {"took", "[took|brought|carried|fetched|grabbed|picked]"},
      {"sat", "[sat|stood|waited|rested|stayed]"},
      {"ate", "[ate|shared|tasted|munched|nibbled|enjoyed|cooked|finished]"},
      {"gave", "[gave|handed|offered|brought|passed|sent]"},
      {"made", "[made|built|shaped]"},
      {"wanted", "[wanted|hoped|wished|longed|planned|tried]"},
      {"came", "[came|arrived|appeared|landed]"},
      {"then",
       "[Then|Soon|Suddenly|At last|After a while|Just then|A little later|"
       "At once]"},
      {"walked",
       "[walked|ran|crept|raced|hopped|skipped|rushed|danced|marched|dashed]"},
      {"by", "[past|around|behind|beside|near|by]"},
      {"spot",
       "[mill|pond|oak|church|school|barn|well|hedge|gate|shop|tower|inn|"
       "cave|farm|bridge|forge|castle|river|bank|garden]"},
      {"old",
       "[old|big|small|quiet|dusty|muddy|famous|sunny|dark|pretty|busy|"
       "ruined]"},
      {"glad",
       "[happy|glad|proud|merry|excited|hopeful|brave|rich|lucky|free]"},
      {"sad",
       "[sad|worried|lonely|upset|gloomy|scared|cross|tired|sorry|afraid|"
       "angry|hurt]"},
      {"very", "[very|so|rather|quite|a little]"},
      {"said", "[said|cried|called|sang|yelled|laughed|replied|hummed]"},
      {"asked", "[asked|sighed|sobbed|begged|groaned|wept]"},
      {"how",
       "[slowly|quickly|softly|bravely|gently|calmly|kindly|proudly|loudly|"
       "gladly|neatly|sweetly]"},
      {"food",
       "[bread|jam|soup|cake|pie|cheese|corn|milk|tea|rice|beans|toast|honey|"
       "butter|cocoa|plums|nuts|grapes|fudge|pears]"},
      {"found", "[found|saw|spotted|noticed|spied|met]"},
      {"wow", "[Oh|Oh no|Look|Hey|Listen|My stars|Dear me|Hooray]"},
      {"yes",
       "[Yes|Of course|Sure|With pleasure|Why not|Come along|All right|"
       "Follow me]"},
      {"hope",
       "[Do not cry|Cheer up|Never fear|Trust me|Take heart|Try again]"},
      {"number", "[two|three|four|five|six|seven|nine|ten]"},
      // Parts of sentences.
      {"item", "a <adj> <thing>"},
      {"one", "a <kind> <critter>"},
      {"pair", "<item> and <item>"},
      {"loot",
       "[<item>, <item> and <item>|<item> and <item>|<item> and <food>]"},
      {"crowd", "[<one>, <one> and <one>|<one> and <one>|<one> with <item>]"},
      {"place", "<by> the <old> <spot>"},
      {"tour", "[<place>, <place> and <place>|<place> and <place>]"},
      {"under", "[under|behind|beside|on|inside]"},
      {"felt", "[was|felt|looked|seemed]"},
      {"mark", "[.|!]"},
      // Sentences, in the order of a story.
      {"open",
       "[{Name} was a <kind> [{animal}|child] from {town}.|In {town} lived a "
       "<kind> [{animal}|child] called {name}.|Once a <kind> [{animal}|"
       "child] named {name} had <item> and <item>.|{Name} [the {animal} |"
       "]lived <place> with <one>.]"},
      {"when", "[One|On a|Early one|Late one] <weather> <day>"},
      {"woe",
       "[[{Name}|{He}] <felt> <very> <sad><mark>|\"<wow>, I am <very> <sad>,\" "
       "<said> {name}<mark>]"},
      {"seek",
       "[{He} <walked> <tour>.|{He} looked <under> <item> and <under> "
       "<item>.|{He} asked <crowd>, but they only <ate> <food>.|{He} <sat> "
       "<place> and <ate> <food> and <food>.]"},
      {"meet",
       "[<then> {he} <found> <crowd>.|<then> {elder} came with <loot>.|"
       "\"<hope>!\" <said> {elder} and <gave> {him} <loot>.|\"<hope>!\" <said> "
       "{pal} and <gave> {him} <loot>.|{Pal} came to help, with <crowd>.]"},
      {"middle", "<woe> <seek> <meet>"},
      {"joy", "[{Name}|{He}] <felt> <very> <glad><mark>"},
      {"bed",
       "[That night|At bedtime|Later|At midnight] {name} dreamed of [<crowd>|"
       "<loot>]."},
      {"feast",
       "[Then|At last|In the end|After that] they [all|both] <ate> <food>, "
       "<food> and <food>."},
      {"gift", "The next <day> {name} [got|<found>|bought] <loot>."},
      {"pal", "[{Pal}|{Elder}] heard of it and <gave> {him} <loot>."},
      {"lesson",
       "[{Name} learned that|Now {name} knew that|It is true:] [kind words "
       "open doors|small steps go far|good friends are treasure|asking is "
       "brave|sharing makes more|patience pays|every storm ends|home is "
       "best]."},
      {"end", "[<joy> |][<bed>|<feast>|<gift>|<pal>|<lesson>]"},
  };
}

} // namespace

const GrammarText& tales_text() {
  static const GrammarText text{
      shared_lists(), shared_fragments(), tales_plots(), "\n\n"};
  return text;
}

} // namespace llm
