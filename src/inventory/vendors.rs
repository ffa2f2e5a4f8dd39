//! Makers of video devices by MAC prefix: a small table of ours, not the whole registry.
//!
//! Source: the IEEE's public MA-L registry ("OUI", oui.csv of 2024-08-25) as Wireshark 4's `manuf`
//! carries it. The rows were picked by registrant name from that file, none was added by hand. Prefixes
//! of 28 and 36 bits (MA-M, MA-S) are left out. Pelco and Avigilon have none of their own there.
//! Milestone has none either: its servers are ordinary computers.

use std::sync::LazyLock;

use crate::addr::Mac;

/// A maker and its prefixes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Vendor {
    /// What it is called in records and site files.
    pub name: &'static str,
    /// It makes video devices and nearly nothing else, so that its prefix speaks for a camera or
    /// recorder. Sony's or Ubiquiti's does not.
    pub video_only: bool,
    /// The first three octets of its MAC addresses as numbers, ascending.
    prefixes: &'static [u32],
}

impl Vendor {
    /// The first three octets of its MAC addresses.
    pub fn prefixes(&self) -> impl Iterator<Item = [u8; 3]> {
        self.prefixes.iter().map(|number| {
            let [_, a, b, c] = number.to_be_bytes();
            [a, b, c]
        })
    }
}

/// The name of the maker of the device with this MAC. `None` for a maker that is not in the table, for
/// groups, and for addresses that are administered locally (IEEE 802-2014 §8.2.2): no maker gave those.
pub fn vendor_of(mac: Mac) -> Option<&'static str> {
    vendor_row(mac).map(|vendor| vendor.name)
}

/// As [`vendor_of`], the whole row.
pub fn vendor_row(mac: Mac) -> Option<&'static Vendor> {
    VENDORS.get(usize::try_from(vendor_number(mac)?).ok()?)
}

/// As [`vendor_row`], its number.
#[inline]
pub(crate) fn vendor_number(mac: Mac) -> Option<u32> {
    let [a, b, c] = mac.prefix();
    if a & NO_MAKER != 0 { None } else { number_of(u32::from_be_bytes([0, a, b, c])) }
}

fn number_of(prefix: u32) -> Option<u32> {
    let rows = &*ROWS;
    let (_, number) = rows.get(rows.binary_search_by_key(&prefix, |(held, _)| *held).ok()?)?;
    Some(*number)
}

/// The maker of this name, written in any case.
pub fn vendor_named(name: &str) -> Option<&'static Vendor> {
    VENDORS.iter().find(|vendor| vendor.name.eq_ignore_ascii_case(name.trim()))
}

/// Every maker of the table, by name.
pub fn vendors() -> &'static [Vendor] {
    VENDORS
}

const fn vendor(name: &'static str, video_only: bool, prefixes: &'static [u32]) -> Vendor {
    Vendor { name, video_only, prefixes }
}

/// Bits of the first octet: groups, and addresses that are administered locally.
const NO_MAKER: u8 = 3;

/// All prefixes, ascending, each with the number of its maker.
static ROWS: LazyLock<Vec<(u32, u32)>> = LazyLock::new(|| {
    let numbered = (0_u32..).zip(VENDORS);
    let mut rows: Vec<_> = numbered
        .flat_map(|(number, vendor)| vendor.prefixes.iter().map(move |prefix| (*prefix, number)))
        .collect();
    rows.sort_unstable_by_key(|(prefix, _)| *prefix);
    rows
});

const VENDORS: &[Vendor] = &[
    vendor("ABUS Security-Center", false, &[0x8c11cb]),
    vendor("ACTi", true, &[0x000f7c]),
    vendor("Amcrest", true, &[0x00651e, 0x9c8ecd, 0xa06032]),
    vendor("Arecont Vision", true, &[0x001a07]),
    vendor("Arlo", true, &[0xa41162, 0xfc9c98]),
    vendor("AV Tech", true, &[0x000e53]),
    vendor("Axis", true, &[0x00408c, 0xaccc8e, 0xb8a44f, 0xe82725]),
    vendor("Basler", true, &[0x003053]),
    vendor("Bosch Security Systems", false, &[0x000131, 0x000463, 0x001c44, 0xa41894]),
    vendor(
        "Canon",
        false,
        &[
            0x000085, 0x001e8f, 0x0030c4, 0x00bbc1, 0x180cac, 0x2c9efc, 0x349f7b, 0x40f8df, 0x5c625a,
            0x60128b, 0x6c3c7c, 0x6cf2d8, 0x7438b7, 0x74bfc0, 0x84ba3b, 0x888717, 0x9c32ce, 0xd8492f,
            0xdcc2c9, 0xf48139, 0xf4a997, 0xf80d60, 0xf8a26d,
        ],
    ),
    vendor("Cohu", true, &[0x0009f2]),
    vendor("CP PLUS", true, &[0x140708]),
    vendor(
        "Dahua",
        true,
        &[
            0x08eded, 0x14a78b, 0x24526a, 0x30ddaa, 0x38af29, 0x3ce36b, 0x3cef8c, 0x4c11bf, 0x5cf51a,
            0x64fd29, 0x6c1c71, 0x74c929, 0x8ce9b4, 0x9002a9, 0x98f9cc, 0x9c1463, 0xa0bd1d, 0xb44c3b,
            0xbc325f, 0xc0395a, 0xc4aac4, 0xd4430e, 0xe02efe, 0xe0508b, 0xe4246c, 0xf4b1c2, 0xf8ce07,
            0xfc5f49, 0xfcb69d,
        ],
    ),
    vendor("Dallmeier", true, &[0x000b02]),
    vendor("Digital Watchdog", true, &[0xa8dc5a]),
    vendor("DynaColor", true, &[0x00d089]),
    vendor("EverFocus", true, &[0x001114]),
    vendor("EZVIZ", true, &[0x20bbbc, 0x34c6dd, 0x54d60d, 0x588fcf, 0x64f2fb, 0x78a6a0, 0x78c1ae, 0xec97e0]),
    vendor("FLIR", false, &[0x001bd8, 0x00407f]),
    vendor("GeoVision", true, &[0x0013e2]),
    vendor("Grandstream", false, &[0x000b82, 0xc074ad, 0xec74d7]),
    vendor("Hanwha Vision", true, &[0x44b423, 0xe43022]),
    vendor(
        "Hikvision",
        true,
        &[
            0x040312, 0x085411, 0x08a189, 0x08cc81, 0x0c75d2, 0x1012fb, 0x1868cb, 0x188025, 0x240f9b,
            0x2428fd, 0x2432ae, 0x244845, 0x24b105, 0x2857be, 0x2ca59c, 0x340962, 0x3c1bf8, 0x40acbf,
            0x4419b6, 0x4447cc, 0x44a642, 0x4c62df, 0x4cbd8f, 0x4cf5dc, 0x50e538, 0x548c81, 0x54c415,
            0x5803fb, 0x5850ed, 0x5c345b, 0x64db8b, 0x686dbc, 0x743fc2, 0x80489f, 0x807c62, 0x80beaf,
            0x80f5ae, 0x849a40, 0x8ce748, 0x94e1ac, 0x988b0a, 0x989de5, 0x98df82, 0x98f112, 0xa0ff0c,
            0xa41437, 0xa42902, 0xa4a459, 0xa4d5c2, 0xacb92f, 0xaccb51, 0xb4a382, 0xbc2978, 0xbc5e33,
            0xbc9b5e, 0xbcad28, 0xbcbac2, 0xc0517e, 0xc056e3, 0xc06ded, 0xc42f90, 0xd4e853, 0xdc07f8,
            0xdcd26a, 0xe0baad, 0xe0ca3c, 0xe0df13, 0xe8a0ed, 0xeca971, 0xecc89c, 0xf84dfc, 0xfc9ffd,
        ],
    ),
    vendor("Honeywell Security", false, &[0x001f55]),
    vendor("i-PRO", true, &[0xd42dc5]),
    vendor("IDIS", true, &[0x000322]),
    vendor("Infinova", true, &[0x00188a]),
    vendor(
        "Intelbras",
        false,
        &[
            0x001a3f, 0x180d2c, 0x24fd0d, 0x30e1f1, 0x443b32, 0x4851cf, 0x546cac, 0x58108c, 0x808544,
            0x808fe8, 0x982a0a, 0xac1ea9, 0xb87ee5, 0xd8365f, 0xd8778b,
        ],
    ),
    vendor("IQinVision", true, &[0x00501a]),
    vendor("JVCKENWOOD", false, &[0xe0dadc]),
    vendor("Keda", true, &[0x001410]),
    vendor("LILIN", true, &[0x000ffc]),
    vendor("Lorex", true, &[0x001f54]),
    vendor("March Networks", true, &[0x0010be, 0x001281]),
    vendor("Messoa", true, &[0x184e94]),
    vendor("Milesight", false, &[0x1cc316, 0x24e124]),
    vendor("MOBOTIX", true, &[0x0003c5]),
    vendor("Motorola Solutions", false, &[0x00047d, 0x001885, 0x001f92, 0x4ccc34]),
    vendor(
        "Panasonic",
        false,
        &[0x001267, 0x001bd3, 0x04209a, 0x20c6eb, 0x4c364e, 0x705812, 0x8cc121, 0xa81374, 0xb8208e, 0xcc7ee7],
    ),
    vendor("Provision-ISR", true, &[0xa0e025]),
    vendor("Raysharp", true, &[0x002363]),
    vendor("Reolink", true, &[0xec71db]),
    vendor("Rhombus", false, &[0xcc47bd]),
    vendor("Samsung Techwin", true, &[0x000918]),
    vendor("Siqura", true, &[0x00047e]),
    vendor(
        "Sony",
        false,
        &[
            0x00014a, 0x000ad9, 0x000e07, 0x000fde, 0x0012ee, 0x0013a9, 0x001620, 0x0016b8, 0x001813,
            0x001963, 0x001a75, 0x001a80, 0x001b59, 0x001ca4, 0x001d28, 0x001dba, 0x001e45, 0x001edc,
            0x001fe4, 0x00219e, 0x002298, 0x002345, 0x0023f1, 0x0024be, 0x0024ef, 0x0025e7, 0x00eb2d,
            0x045d4b, 0x080046, 0x104fa8, 0x18002d, 0x1c7b21, 0x205476, 0x2421ab, 0x283f69, 0x2c97ed,
            0x3017c8, 0x303926, 0x307512, 0x30a8db, 0x30f9ed, 0x387862, 0x3c01ef, 0x3c0771, 0x3c38f4,
            0x402ba1, 0x4040a7, 0x40b837, 0x44746c, 0x44d4e0, 0x4c21d0, 0x544249, 0x5453ed, 0x58170c,
            0x584822, 0x5cb524, 0x68764f, 0x6c0e0d, 0x6c23b9, 0x78843c, 0x8099e7, 0x8400d2, 0x848edf,
            0x84c7ea, 0x88c9e8, 0x8c6422, 0x90c115, 0x94ce2c, 0x9c5cf9, 0xa0e453, 0xac800a, 0xac9b0a,
            0xb4527d, 0xb4527e, 0xb8f934, 0xbc6e64, 0xc43abe, 0xd05162, 0xd4389c, 0xd8d43c, 0xe063e5,
            0xf0bf97, 0xf84e17, 0xfcf152,
        ],
    ),
    vendor("Speco", true, &[0x5cf207]),
    vendor("StarDot", true, &[0x0030f4]),
    vendor("Sunell", true, &[0x001c27]),
    vendor("Swann", true, &[0xbc51fe]),
    vendor("Tiandy", true, &[0x3cda6d, 0xe4e66c]),
    vendor("TKH Security", true, &[0x000673, 0x4017f6]),
    vendor("TVT", true, &[0x0018ae, 0x585b69]),
    vendor(
        "Ubiquiti",
        false,
        &[
            0x00156d, 0x002722, 0x0418d6, 0x0cea14, 0x18e829, 0x1c6a1b, 0x245a4c, 0x24a43c, 0x28704e,
            0x44d9e7, 0x602232, 0x687251, 0x68d79a, 0x70a741, 0x7483c2, 0x74acb9, 0x784558, 0x788a20,
            0x802aa8, 0x847848, 0x942a6f, 0x9c05d6, 0xac8ba9, 0xb4fbe4, 0xd021f9, 0xd8b370, 0xdc9fdb,
            0xe063da, 0xe43883, 0xf09fc2, 0xf492bf, 0xf4e2c6, 0xfcecda,
        ],
    ),
    vendor("Uniview", true, &[0x48ea63, 0x6cf17e, 0xc47905]),
    vendor("VCS", true, &[0x00075f]),
    vendor("Verint", false, &[0x00079a, 0x000d40]),
    vendor("Verkada", false, &[0xe0a700]),
    vendor("Vicon", true, &[0x000668]),
    vendor("Videotec", true, &[0x0021a6]),
    vendor("VIVOTEK", true, &[0x0002d1]),
];

#[cfg(test)]
mod tests {
    use super::vendor_named;
    use super::vendor_of;
    use super::vendors;
    use crate::addr::Mac;

    #[test]
    fn a_prefix_names_its_maker() {
        assert_eq!(vendor_of(Mac([0x00, 0x03, 0xc5, 1, 2, 3])), Some("MOBOTIX"));
        assert_eq!(vendor_of(Mac([0x00, 0x40, 0x8c, 1, 2, 3])), Some("Axis"));
        assert_eq!(vendor_of(Mac([0x02, 0x03, 0xc5, 1, 2, 3])), None);
        assert_eq!(vendor_of(Mac([0xff; 6])), None);
    }

    #[test]
    fn a_maker_is_found_by_name_in_any_case() {
        assert_eq!(vendor_named("mobotix").unwrap().prefixes().collect::<Vec<_>>(), [[0x00, 0x03, 0xc5]]);
        assert!(vendor_named("Milestone").is_none());
    }

    #[test]
    fn no_prefix_stands_twice_and_all_are_sorted_for_the_search() {
        let mut seen = std::collections::BTreeSet::new();
        for vendor in vendors() {
            assert!(vendor.prefixes.is_sorted(), "{}", vendor.name);
            for prefix in vendor.prefixes() {
                assert!(seen.insert(prefix), "{} {prefix:02x?}", vendor.name);
                let [first, ..] = prefix;
                assert_eq!(first & 3, 0, "{}: no registry gives such a prefix", vendor.name);
            }
        }
        assert!(vendors().len() >= 40);
    }
}
