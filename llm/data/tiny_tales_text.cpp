// SPDX-License-Identifier: MIT
//
// The shared words and sentences of tiny-tales; the plots are in
// tiny_tales_plots.cpp. A story is
//   who it is about, what it likes - the plot's problem - how that felt, where
//   help was sought and found - the plot's solution - an ending.
// Only problem and solution belong to one plot. So a small model meets most of
// the text often, and a story can be told without remembering all of it.
// To add a story, append a plot:
//  - it must read well whichever row or alternative is drawn, for a child and
//    for an animal; after "a" comes only what starts with a consonant sound;
//  - carry something of its own (a list) from the problem to the solution;
//  - the helpers are "they"; the hero is {name}, {he}, {him}, {his};
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
      "pal: Bella | Grace | Wendy | Poppy | Fay | Dora | Hank | Rudy | Gus | "
      "Toby | Walt | Ned",
      "elder: Grandma | Grandpa | Mama | Papa | Aunt May | Uncle Bert",
      "animal: fox | bear | rabbit | mouse | owl | frog | duck | squirrel | "
      "badger | goat | lamb | kitten | puppy | hen | goose | mole",
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
      {"sat", "[sat|stood|waited|rested|stayed]"},
      {"ate", "[ate|shared|tasted|munched|nibbled|enjoyed]"},
      {"gave", "[gave|handed|offered|brought|passed]"},
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
       "[happy|glad|proud|merry|excited|hopeful|brave|calm|lucky|pleased]"},
      {"sad",
       "[sad|worried|lonely|upset|gloomy|scared|cross|tired|sorry|afraid|"
       "angry|hurt]"},
      {"very", "[very|so|rather|quite|a little]"},
      {"said", "[said|cried|called|sang|yelled|laughed|replied|hummed]"},
      {"sobbed", "[sighed|sobbed|groaned|wept|whispered|mumbled]"},
      {"food",
       "[bread|jam|soup|cake|pie|cheese|corn|milk|tea|rice|beans|toast|honey|"
       "butter|cocoa|plums|nuts|grapes|fudge|pears]"},
      {"found", "[found|saw|spotted|noticed|spied|met]"},
      {"wow", "[Oh|Oh no|Alas|Look|Hey|My stars|Dear me|Help]"},
      {"hope",
       "[Do not cry|Cheer up|Never fear|Trust me|Take heart|Try again]"},
      {"number", "[two|three|four|five|six|seven|nine|ten]"},
      // Parts of sentences.
      {"item", "a <adj> <thing>"},
      {"one", "a <kind> <critter>"},
      {"loot",
       "[<item>, <item> and <item>|<item> and <item>|<item> and <food>]"},
      {"crowd", "[<one>, <one> and <one>|<one> and <one>|<one> with <item>]"},
      {"place", "<by> the <old> <spot>"},
      {"near", "[near|by|behind|beside] the <old> <spot>"},
      {"tour", "[<place>, <place> and <place>|<place> and <place>]"},
      {"under", "[under|behind|beside|on|inside]"},
      {"felt", "[was|felt|looked|seemed]"},
      {"mark", "[.|!]"},
      // Sentences, in the order of a story.
      {"open",
       "[{Name} was a <kind> [{animal}|child] from {town}.|In {town} lived a "
       "<kind> [{animal}|child] called {name}.|Once a <kind> [{animal}|"
       "child] named {name} had <item> and <item>.|{Name} [the {animal} |"
       "]lived <near> with <one>.]"},
      {"likes",
       "[{Name} liked [<food>, <food> and <food>|<food> and <food>].|{His} "
       "best friend was <one>.|Every <day> {name} <walked> <place>.|{Name} "
       "kept "
       "<item> <under> <item>.]"},
      {"when", "[One|On a|Early one|Late one] <weather> <day>"},
      {"woe",
       "[[{Name}|{He}] <felt> <very> <sad><mark>|\"<wow>, I am <very> <sad>[,|"
       "!]\" <sobbed> {name}.]"},
      {"seek",
       "[{Name} <walked> <tour>.|{Name} looked <under> <item> and <under> "
       "<item>.|{Name} asked <crowd>, but they only <ate> <food>.|{He} <sat> "
       "<near> and <ate> <food> and <food>.]"},
      {"meet",
       "[<then> {name} <found> <crowd>.|<then> {elder} came with <loot>.|"
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
