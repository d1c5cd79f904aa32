"""Invented names of brands, models and sellers, and the words of letterings."""

from __future__ import annotations

HOME_BRANDS = (
    "Norvik", "Tarnholm", "Quillby", "Pellmoor", "Hearthwick", "Verdano", "Osk & Elm", "Brindlow",
    "Marlstead", "Kopparby", "Lunacroft", "Fenwrighton",
)  # fmt: skip
WEAR_BRANDS = (
    "Calderby", "Zephyrine", "Ryde & Rowan", "Wynstitch", "Solvanna", "Dunmarlow", "Ravellune", "Kestwear",
    "Aldenza", "Tidelope", "Mirabeck", "Strayfold",
)  # fmt: skip
TECH_BRANDS = (
    "Voltaro", "Sonivex", "Pixaron", "Kuvento", "Aurelix", "Nimbuso", "Tekmora", "Lyrebit", "Ondavox",
    "Gridello",
)  # fmt: skip

MODELS = (
    "Alba", "Arden", "Basalt", "Birch", "Bramble", "Cinder", "Clover", "Coast", "Cove", "Dapple", "Drift",
    "Ember", "Fable", "Fjord", "Flint", "Gale", "Glade", "Harbour", "Heath", "Hollow", "Isla", "Juniper",
    "Kelp", "Lark", "Linden", "Luna", "Maple", "Marlow", "Meadow", "Mist", "Nova", "Oak", "Orchard", "Otter",
    "Pebble", "Pine", "Quartz", "Rill", "Rowan", "Saga", "Shore", "Skye", "Sparrow", "Strand", "Tarn",
    "Thistle", "Tide", "Umbra", "Vale", "Vesper", "Willow", "Wren", "Yarrow", "Zenith",
)  # fmt: skip

WORDS = (
    "OSLO",
    "HELLO",
    "NOON",
    "WILD",
    "SUNDAY",
    "LUMI",
    "AHOY",
    "SMILE",
    "NORTH",
    "MELLOW",
    "PAUSE",
    "TIDE",
)

SELLERS = (
    "Alder Street Store", "Bluegate Outlet", "Corner & Co", "Dealbarn", "Everyday Depot", "Foxglove Shop",
    "Greenlane Market", "Harbour Goods", "Indigo Bazaar", "Jolly Warehouse", "Kite & Crane", "Lantern Trade",
)  # fmt: skip
