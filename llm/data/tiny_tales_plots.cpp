// SPDX-License-Identifier: MIT
//
// The plots of tiny-tales, written for this project: see tiny_tales_text.cpp
// for the shared words and for the rules.

#include "llm/data/tiny_tales.h"

namespace llm {
namespace {

// Things that get lost, broken, found and given.
std::vector<PlotText> plots_about_things() {
  return {
      {"The kite in the tree",
       {"tree: oak | elm | pine | willow | birch | chestnut | maple | beech"},
       R"(<open> <likes> <when>, the wind blew the <adj> kite of {name} into a
       tall {tree}. <middle> Together they climbed the {tree} and got
       the kite back. <end>)"},
      {"The lost mitten",
       {"garment: mitten | scarf | cap | boot | slipper | glove | belt | vest"},
       R"(<open> <likes> <when>, {name} lost {his} <adj> {garment}. <middle>
       At last they saw a mouse asleep in the {garment} and let it
       stay there. <end>)"},
      {"The broken vase",
       {"vase: vase | jug | plate | teapot | bowl | mirror | dish | statue"},
       R"(<open> <likes> <when>, {name} broke the <adj> {vase} of {elder}.
       <middle> {Name} told the truth, and with a little glue the
       {vase} was whole again. <end>)"},
      {"The letter in the bottle",
       {"island: island | cliff | lighthouse | rock | ship | beach"},
       R"(<open> <likes> <when>, {name} found a letter in a bottle. It said,
       "I am alone on my {island}. Please come." <middle> They sailed
       to the {island} and stayed until spring. <end>)"},
      {"The treasure map",
       {"chest: chest | trunk | sack | barrel | crate | urn"},
       R"(<open> <likes> <when>, {name} found a map, but half of it was gone.
       <middle> They dug all day and found a {chest}. In the {chest}
       was <loot>. <end>)"},
      {"The wishing stone",
       {"stone: pebble | acorn | feather | marble | seashell | button"},
       R"(<open> <likes> <when>, {name} found a magic {stone} and did not know
       what to wish for. <middle> {Name} wished for supper for all,
       and the {stone} made <food> and <food>. <end>)"},
      {"The little boat",
       {"boat: boat | raft | ship | canoe | ferry | kayak"},
       R"(<open> <likes> <when>, the <adj> {boat} of {name} sank in the lake.
       <middle> A duck dived down to the {boat} and pulled it out.
       <end>)"},
      {"Who took the carrots",
       {"crop: carrots | peas | berries | radishes | beets | cabbages | "
        "onions"},
       R"(<open> <likes> <when>, somebody stole the {crop} of {name}. <middle>
       It was a rabbit with six babies, so they planted more {crop}
       for everyone. <end>)"},
  };
}

// Journeys, weather, night and day.
std::vector<PlotText> plots_about_journeys() {
  return {
      {"Lost in the woods",
       {"lights: fireflies | lanterns | glowworms | candles | torches"},
       R"(<open> <likes> <when>, {name} got lost in the dark woods. <middle>
       Then a hundred {lights} lit the path, and they followed the
       {lights} home. <end>)"},
      {"A noise in the night",
       {"noise: bump | squeak | rattle | tap | thump | creak | buzz"},
       R"(<open> <likes> <when>, {name} heard a strange {noise} in the attic.
       <middle> The {noise} was only <one>, who wanted some <food>.
       <end>)"},
      {"The cloud that would not rain",
       {"flower: roses | tulips | lilies | daisies | violets | poppies"},
       R"(<open> <likes> <when>, the {flower} of {name} were dry, for the
       cloud did not dare to rain. <middle> They sang until the cloud
       laughed and rained on the {flower}. <end>)"},
      {"The star that fell",
       {"ladder: ladder | swing | rocket | balloon | slide | catapult"},
       R"(<open> <likes> <when>, a star fell into the garden of {name} and
       could not go home. <middle> They built a {ladder}, and with the
       {ladder} the star got back to the sky. <end>)"},
      {"The moon in a bowl",
       {"bowl: bucket | tub | basin | kettle | barrel | pan"},
       R"(<open> <likes> <when>, {name} tried to touch the moon, but it was
       too high. <middle> They filled a {bowl} with water, and there
       was the moon, right in the {bowl}. <end>)"},
      {"The train on the hill",
       {"cargo: toys | letters | pillows | flowers | fish | pencils"},
       R"(<open> <likes> <when>, {name} saw a train full of {cargo} stuck on
       the hill. <middle> They all pushed, and {town} got its {cargo}
       in time. <end>)"},
      {"A house of pillows",
       {"castle: castle | tent | palace | nest | fort | cabin"},
       R"(<open> <likes> <when>, it rained and rained, and {name} could not
       play outside. <middle> They made a {castle} of chairs, and the
       {castle} flew to the clouds. <end>)"},
      {"The snowman",
       {"nose: carrot | cone | cork | potato | turnip | pepper"},
       R"(<open> <likes> <when>, the snowman of {name} had no {nose} any more.
       <middle> A deer had eaten the {nose}, so they gave it <food>
       and made a new one. <end>)"},
  };
}

// Friends, fears and being brave.
std::vector<PlotText> plots_about_friends() {
  return {
      {"The new pupil",
       {"game: tag | chess | marbles | football | cards | checkers"},
       R"(<open> <likes> <when>, {name} was new at school and knew nobody.
       <middle> They played {game} until dark, and {name} won at
       {game} <number> times. <end>)"},
      {"The slow racer",
       {"prize: medal | trophy | crown | ribbon | wreath | star"},
       R"(<open> <likes> <when>, {name} was the slowest in the race for the
       {prize}. <middle> The others fell asleep on the way, and so
       {name} won the {prize}. <end>)"},
      {"The dragon without fire",
       {"treat: marshmallows | chestnuts | sausages | potatoes | apples"},
       R"(<open> <likes> <when>, {name} met a dragon who had lost his fire.
       <middle> They told him about hot {treat}, and whoosh, he could
       roast {treat} again. <end>)"},
      {"The troll under the bridge",
       {"joke: joke | riddle | poem | story | secret"},
       R"(<open> <likes> <when>, a troll sat on the bridge and did not let
       {name} pass. <middle> {Name} told him a {joke}, and the troll
       liked the {joke} and let them go. <end>)"},
      {"The robot who could not dance",
       {"dance: waltz | polka | tango | jig | twist | ballet"},
       R"(<open> <likes> <when>, {name} found a rusty robot who could not
       dance the {dance}. <middle> They oiled its knees, and it danced
       the {dance} all night. <end>)"},
      {"The drum that was too loud",
       {"drum: trumpet | tuba | gong | horn | cymbal | bugle"},
       R"(<open> <likes> <when>, everybody said that the {drum} of {name} was
       too loud. <middle> Then the fog came, and the {drum} led the
       lost ships home. <end>)"},
      {"The bicycle",
       {"vehicle: bicycle | scooter | sled | wagon | tricycle | skateboard"},
       R"(<open> <likes> <when>, {name} fell off {his} new {vehicle}. <middle>
       {Name} tried it <number> times and then rode the {vehicle} like
       the wind. <end>)"},
      {"Afraid of the water",
       {"pool: lake | pool | stream | sea | canal"},
       R"(<open> <likes> <when>, {name} was afraid to swim in the {pool}.
       <middle> They held hands, counted to <number> and jumped into
       the {pool}. <end>)"},
  };
}

// Gardens, kitchens and surprises.
std::vector<PlotText> plots_about_home() {
  return {
      {"The slow seed",
       {"plant: pumpkin | melon | sunflower | bean | cactus | fern"},
       R"(<open> <likes> <when>, {name} planted a {plant}, but nothing grew.
       <middle> They waited <number> weeks, and then the {plant} was
       as tall as a house. <end>)"},
      {"Soup for everyone",
       {"herb: salt | pepper | garlic | parsley | mint | thyme"},
       R"(<open> <likes> <when>, {name} cooked soup, but there was no {herb}.
       <middle> Somebody had {herb} in a pocket, and there was soup
       for all. <end>)"},
      {"The last piece of cake",
       {"cake: tart | waffle | muffin | pancake | bun | cookie"},
       R"(<open> <likes> <when>, {name} and {pal} both wanted the last {cake}.
       <middle> They cut the {cake} in two, and it tasted twice as
       good. <end>)"},
      {"The birthday",
       {"gift: puzzle | puppet | flute | telescope | violin | guitar"},
       R"(<open> <likes> <when>, everybody forgot the birthday of {name}.
       <middle> But at home there was a <adj> {gift}, and they all
       shouted, "Surprise!" <end>)"},
      {"The baby bird",
       {"bird: sparrow | swallow | finch | thrush | wren | starling"},
       R"(<open> <likes> <when>, {name} found a baby {bird} on the ground.
       <middle> They put the {bird} back in its nest, and its mother
       sang for them. <end>)"},
      {"The one who could not sleep",
       {"count: clouds | stars | buttons | raindrops | snowflakes"},
       R"(<open> <likes> <when>, {name} could not fall asleep. <middle> They
       counted {count} together, and soon {name} slept and dreamed of
       {count}. <end>)"},
      {"Colors for the grey house",
       {"wall: wall | door | fence | roof | chimney"},
       R"(<open> <likes> <when>, {name} did not like the old grey {wall}.
       <middle> They painted the {wall} with suns and fish, and people
       came to see it. <end>)"},
      {"The loose tooth",
       {"meal: apple | peach | pretzel | walnut | celery | biscuit"},
       R"(<open> <likes> <when>, {name} had a loose tooth. <middle> {Name} bit
       into some {meal}, and out came the tooth with the {meal}. <end>)"},
  };
}

} // namespace

std::vector<PlotText> tales_plots() {
  std::vector<PlotText> plots;
  for (const auto& part :
       {plots_about_things(),
        plots_about_journeys(),
        plots_about_friends(),
        plots_about_home()}) {
    plots.insert(plots.end(), part.begin(), part.end());
  }
  return plots;
}

} // namespace llm
