"""Short phrases of taste, by the many thousand: what captions never say (genres, moods, film talk), made by combination.

A family that is held out is never shown to the student; how well it follows its teacher there says what it does on new words.
"""

import random
from collections.abc import Iterable, Iterator

from embed.tastes.phrases import ADJECTIVES, PROMPTS

GENRES = (
    "action", "adventure", "animation", "biography", "comedy", "crime", "documentary", "drama", "family", "fantasy", "film noir",
    "history", "horror", "music", "musical", "mystery", "romance", "science fiction", "sport", "superhero", "thriller", "war",
    "western", "anime", "spy", "heist", "disaster", "martial arts", "coming of age", "period drama", "satire", "slapstick",
)  # fmt: skip
MOODS = (
    "romantic", "funny", "dark", "gloomy", "scary", "tense", "cosy", "dreamy", "melancholy", "joyful", "hopeful", "violent",
    "gritty", "quirky", "surreal", "epic", "tender", "lonely", "nostalgic", "mysterious", "suspenseful", "heartwarming", "bleak",
    "playful", "sad", "thrilling", "peaceful", "magical", "creepy", "elegant", "rebellious", "wild", "quiet", "colourful", "noir",
    "black and white", "warm", "cold", "bright", "moody", "glamorous", "tragic", "sweet", "eerie", "stylish",
)  # fmt: skip
PLACES = (
    "a city at night", "a rainy street", "a forest", "a dark forest", "a beach", "the sea", "a desert", "a mountain", "a castle",
    "a cafe", "a bar", "a kitchen", "a school", "a hospital", "a church", "a train station", "an airport", "a spaceship",
    "outer space", "the moon", "a farm", "a village", "a small town", "a river", "a lake", "a snowy field", "a garden", "a park",
    "a jungle", "an island", "a prison", "an office", "a theatre", "a concert", "a stadium", "a football pitch", "a battlefield",
    "a harbour", "a bridge", "a road", "a highway", "a subway", "a hotel", "a library", "a museum", "a laboratory", "a ruined city",
    "a mansion", "a graveyard", "a cave", "a circus", "a market", "a ballroom", "a dance floor", "Paris", "New York", "Tokyo",
    "London", "the Wild West", "a futuristic city", "an attic", "a bedroom", "a living room", "a rooftop",
)  # fmt: skip
PEOPLE = (
    "a man", "a woman", "a couple", "a couple kissing", "two lovers", "a family", "a child", "children", "a boy", "a girl",
    "an old man", "an old woman", "a detective", "a soldier", "soldiers", "a cowboy", "a policeman", "a pilot", "an astronaut",
    "a sailor", "a naval officer", "a photographer", "a singer", "a dancer", "a musician", "a boxer", "a football player",
    "a king", "a queen", "a princess", "a knight", "a wizard", "a witch", "a vampire", "a zombie", "a ghost", "a monster",
    "a robot", "an alien", "a superhero", "a villain", "a spy", "a thief", "a gangster", "a doctor", "a nurse", "a teacher",
    "a scientist", "a writer", "a painter", "a chef", "a waiter", "a bride", "a groom", "twins", "friends", "a crowd", "a face",
    "two men", "two women", "two people", "a group of friends", "a comedian", "a clown", "a samurai", "a pirate", "a viking",
    "a skateboarder", "a surfer", "a climber", "a cyclist", "a rider",
)  # fmt: skip
THINGS = (
    "a dog", "dogs", "a cat", "cats", "kittens", "a horse", "horses", "a bird", "birds", "a lion", "a tiger", "a bear", "a wolf",
    "an elephant", "a fish", "a shark", "a dinosaur", "a dragon", "a rabbit", "cartoon animals", "a car", "a fast car", "a race",
    "a motorcycle", "a bicycle", "a train", "a plane", "a ship", "a sailing ship", "a boat", "a rocket", "a helicopter", "a gun",
    "a sword", "an explosion", "fire", "smoke", "a book", "a letter", "a camera", "a tripod", "a telephone", "a computer",
    "a guitar", "a piano", "a cup of coffee", "a glass of wine", "food", "a cake", "flowers", "a rose", "a tree", "a house",
    "a door", "a window", "a mirror", "a clock", "money", "a crown", "a mask", "a hat", "a uniform", "a suit", "a dress",
    "a wedding", "a kiss", "a fight", "a chase", "a dance", "a party", "a football", "a skateboard", "snow", "rain", "fog",
    "a storm", "lightning", "stars", "a full moon", "a sunset", "a sunrise", "waves", "a flag", "a map", "a ring",
)  # fmt: skip
LIGHTS = (
    "at night", "at sunset", "at dawn", "in the rain", "in the snow", "in the fog", "in neon light", "by candlelight",
    "in the sunlight", "in the shadows", "in black and white", "in warm colours", "in cold blue light", "in the dark",
    "on a summer day", "in autumn", "in winter", "in spring", "under the stars", "by moonlight", "close up", "from above",
    "in the distance", "in silhouette", "in the 1920s", "in the 1950s", "in the 1980s", "in the future", "in the Middle Ages",
)  # fmt: skip
TALK = (
    "a poster of a {} movie", "a still from a {} film", "{} movies", "{} films", "a {} series", "{} stories", "{}",
    "I love {} films", "a film with {}", "a film about {}", "a picture of {}", "a photo of {}", "a painting of {}",
    "a portrait of {}", "a close-up of {}", "a drawing of {}", "a scene with {}",
)  # fmt: skip
ABOUT = [template for template in TALK if template.startswith(("a film", "a pi", "a ph", "a pa", "a po", "a c", "a d", "a sc"))]
KINDS = [template for template in TALK if template not in ABOUT and template != "{}"] + ["a poster of a {} movie"]

HELD_OUT = [
    *(f"{mood} {genre} films" for mood in MOODS[::5] for genre in GENRES[::3]),
    *(f"{person} and {thing}" for person in PEOPLE[::6] for thing in THINGS[::7]),
    *(f"{place} {light}" for place in PLACES[::5] for light in LIGHTS[::4]),
]


def _all() -> Iterator[str]:
    subjects = [*PLACES, *PEOPLE, *THINGS]
    for template in KINDS:
        yield from (template.format(genre) for genre in GENRES)
        yield from (template.format(f"{mood} {genre}") for mood in MOODS for genre in GENRES)
    for template in [*ABOUT, "{}"]:
        yield from (template.format(subject) for subject in subjects)
    yield from (f"{subject} {light}" for subject in subjects for light in LIGHTS)
    yield from (f"{person} in {place}" for person in PEOPLE for place in PLACES)
    yield from (f"{person} with {thing}" for person in PEOPLE for thing in THINGS)
    yield from (f"{person} and {thing}" for person in PEOPLE for thing in THINGS)
    yield from (f"{mood} {subject.split(' ', 1)[-1]}" for mood in MOODS for subject in subjects)
    yield from (f"{a}, {b}" for a in GENRES for b in GENRES if a != b)
    yield from (f"{mood}, {subject}" for mood in MOODS for subject in subjects)
    yield from MOODS


def taste_phrases(count: int, seed: int) -> list[str]:
    """`count` distinct phrases (or all there are), none of them held out."""
    held_out = set(HELD_OUT)
    phrases = sorted({phrase for phrase in _all() if phrase not in held_out})
    return random.Random(seed).sample(phrases, min(count, len(phrases)))


def pieces_of_captions(captions: list[list[str]], count: int, seed: int) -> list[str]:
    """`count` runs of two to eight words out of captions: how people speak of pictures, in lengths that tastes have."""
    random_ = random.Random(seed)
    pieces = []
    for _ in range(count):
        words = random_.choice(random_.choice(captions)).rstrip(" .").split()
        length = random_.randint(2, 8)
        start = random_.randint(0, max(0, len(words) - length))
        pieces.append(" ".join(words[start : start + length]))
    return pieces


def meaning_of(genre: str) -> str:
    """The text that stands for every wording of `genre`."""
    return f"a poster of a {genre} movie"


def genres_as_said(genres: Iterable[str]) -> list[tuple[str, str]]:
    """Every wording that the product has for each genre, by its noun and by its adjective, beside what all of them mean."""
    meant = {genre: meaning_of(genre) for genre in [*genres, *GENRES]}
    return [
        (prompt.format(word), meaning)
        for genre, meaning in meant.items()
        for word in dict.fromkeys((genre, ADJECTIVES.get(genre, genre)))
        for prompt in PROMPTS["genre"]
    ]


def words_of_the_world() -> list[str]:
    """Names and definitions of the 21,841 things of ImageNet-22k (WordNet's, as timm.data.ImageNetInfo has them)."""
    from timm.data import ImageNetInfo

    info = ImageNetInfo("imagenet22k")
    detailed = [info.index_to_description(index, detailed=True).partition(": ") for index in range(info.num_classes())]
    return [names.split(", ")[0] for names, _, _ in detailed] + [meaning for _, _, meaning in detailed if meaning]
