"""Each original layout in miniature."""
# ruff: noqa: E501 - published paths are long

from miniatures import relative

# Name, table, and each category's words in prompts. Pitfalls are lines without a sample, or odd kinds of file.
ORIGINALS = {
    "mvtec": (
        "mvtec",
        """
        bottle/train/good/000.png                 | train bottle 0
        bottle/test/good/000.png                  | test bottle 0
        bottle/test/broken_large/000.png          | test bottle 1 broken_large | bottle/ground_truth/broken_large/000_mask.png
        bottle/test/broken_large/001.png          | test bottle 1 broken_large | bottle/ground_truth/broken_large/001_mask.png
        bottle/test/contamination/000.png         | test bottle 1 contamination | bottle/ground_truth/contamination/000_mask.png
        bottle/ground_truth/broken_large/0000_mask.png mask
        bottle/test/good/._000.png text
        metal_nut/test/good/000.png grey          | test metal_nut 0
        metal_nut/test/scratch/000.png grey       | test metal_nut 1 scratch | metal_nut/ground_truth/scratch/000_mask.png
        license.txt
        """,
        {"bottle": "bottle", "metal_nut": "metal nut"},
    ),
    "visa": (
        "visa",
        """
        candle/Data/Images/Normal/0000.JPG        | train candle 0
        candle/Data/Images/Normal/0739.JPG        | test candle 0
        candle/Data/Images/Anomaly/097.JPG        | test candle 1 | candle/Data/Masks/Anomaly/097.png ids
        candle/image_anno.csv
        pcb1/Data/Images/Normal/0739.JPG          | test pcb1 0
        pcb1/Data/Images/Anomaly/000.JPG          | test pcb1 1 | pcb1/Data/Masks/Anomaly/000.png palette
        """,
        {"candle": "candle", "pcb1": "printed circuit board"},
    ),
    "visa as prepared": (
        "visa",
        """
        macaroni2/train/good/0000.JPG             | train macaroni2 0
        macaroni2/test/good/0739.JPG              | test macaroni2 0
        macaroni2/test/bad/097.JPG                | test macaroni2 1 | macaroni2/ground_truth/bad/097.png
        """,
        {"macaroni2": "macaroni"},
    ),
    "btad": (
        "btad",
        """
        BTech_Dataset_transformed/01/train/ok/0000.bmp  | train metal1 0
        BTech_Dataset_transformed/01/test/ok/0000.bmp   | test metal1 0
        BTech_Dataset_transformed/01/test/ko/0000.bmp   | test metal1 1 | BTech_Dataset_transformed/01/ground_truth/ko/0000.png
        BTech_Dataset_transformed/02/test/ok/0000.png   | test wood 0
        BTech_Dataset_transformed/02/test/ko/0001.png   | test wood 1 | BTech_Dataset_transformed/02/ground_truth/ko/0001.png
        BTech_Dataset_transformed/03/test/ok/0000.bmp   | test metal2 0
        BTech_Dataset_transformed/03/test/ko/0001.bmp   | test metal2 1 | BTech_Dataset_transformed/03/ground_truth/ko/0001.bmp
        """,
        {"metal1": "metal1", "wood": "wood", "metal2": "metal2"},
    ),
    "dtd": (
        "dtd",
        """
        readme~of~mine.png
        Woven_127/train/good/000.png              | train woven1 0
        Woven_127/test/good/000.png               | test woven1 0
        Woven_127/test/bad/000.png                | test woven1 1 | Woven_127/ground_truth/bad/000_mask.png
        Woven_068/test/good/mesh_000.png          | test woven4 0
        Woven_068/test/bad/000.png                | test woven4 1 | Woven_068/ground_truth/bad/000_mask.png
        Marbled_078/test/good/000.png             | test marbled2 0
        Marbled_078/test/bad/000.png              | test marbled2 1 | Marbled_078/ground_truth/bad/000_mask.png
        """,
        {"woven1": "woven1", "woven4": "woven4", "marbled2": "marbled2"},
    ),
    "rsdd": (
        "rsdd",
        """
        Type-I~RSDDs~dataset/Rail~surface~images/rail_1.jpg grey  | test Metal15 1 Type-I | Type-I~RSDDs~dataset/GroundTruth/rail_1.jpg
        Type-I~RSDDs~dataset/Rail~surface~images/rail_10.jpg grey | test Metal15 1 Type-I | Type-I~RSDDs~dataset/GroundTruth/rail_10.jpg
        Type-II~RSDDs~dataset/Rail~surface~images/rail_1.jpg grey | test Metal15 1 Type-II | Type-II~RSDDs~dataset/GroundTruth/rail_1.jpg
        """,
        {"Metal15": "metal15"},
    ),
    "headct": (
        "headct",
        """
        head_ct/head_ct/000.png                   | test head~ct 1
        head_ct/head_ct/001.png grey              | test head~ct 1
        head_ct/head_ct/100.png                   | test head~ct 0
        """,
        {"head ct": "head ct"},
    ),
    "headct as AdaCLIP has it": (
        "headct",
        """
        headct/test/good/100.png                  | test head~ct 0
        headct/test/defect/000.png                | test head~ct 1
        """,
        {"head ct": "head ct"},
    ),
    "br35h": (
        "br35h",
        """
        yes/y0.jpg                                | test brain 1
        no/no1.jpg                                | test brain 0
        no/No12.jpg                               | test brain 0
        Br35H-Mask-RCNN/TEST/y700.jpg
        pred/pred0.jpg
        """,
        {"brain": "brain"},
    ),
    "isic": (
        "isic",
        """
        ISBI2016_ISIC_Part1_Test_Data/ISIC_0000003.jpg | test skin 1 | ISBI2016_ISIC_Part1_Test_GroundTruth/ISIC_0000003_Segmentation.png bits
        ISBI2016_ISIC_Part1_Test_Data/ISIC_0011392.jpg | test skin 1 | ISBI2016_ISIC_Part1_Test_GroundTruth/ISIC_0011392_Segmentation.png
        """,
        {"skin": "skin"},
    ),
    "isic as AnomalyCLIP has it": (
        "isic",
        """
        skin/test/ISBI2016_ISIC_Part1_Test_Data/ISIC_0000003.jpg | test skin 1 | skin/ISBI2016_ISIC_Part1_Test_GroundTruth/ISIC_0000003_Segmentation.png
        """,
        {"skin": "skin"},
    ),
    "isic for the converter": (
        "isic",
        """
        object/test/defect/ISIC_0000003.jpg       | test skin 1 | object/ground_truth/defect/ISIC_0000003_Segmentation.png
        """,
        {"skin": "skin"},
    ),
    "colondb, 380 images": (
        "colondb",
        """
        images/1.png | test colon 1 | masks/1.png
        images/10.png | test colon 1 | masks/10.png
        images/2.png | test colon 1 | masks/2.png
        masks/0.png mask
        """,
        {"colon": "colon"},
    ),
    "colondb, Barcelona": (
        "colondb",
        """
        1.bmp | test colon 1 | p1.bmp
        10.bmp | test colon 1 | p10.bmp
        s1.bmp empty
        c1.bmp
        """,
        {"colon": "colon"},
    ),
    "clinicdb": (
        "clinicdb",
        """
        CVC-ClinicDB/Original/1.tif | test colon 1 | CVC-ClinicDB/Ground~Truth/1.tif
        CVC-ClinicDB/Original/10.tif | test colon 1 | CVC-ClinicDB/Ground~Truth/10.tif
        """,
        {"colon": "colon"},
    ),
    "clinicdb for the converter": (
        "clinicdb",
        "object/test/defect/1.tif | test colon 1 | object/ground_truth/defect/1.tif",
        {"colon": "colon"},
    ),
    "endo": (
        "endo",
        """
        EndoTect_2020_Segmentation_Test_Dataset/images/003ab8b5-cf6d-442a-849d-80ddf0d1edaf.jpg | test colon 1 | EndoTect_2020_Segmentation_Test_Dataset/masks/003ab8b5-cf6d-442a-849d-80ddf0d1edaf.png
        """,
        {"colon": "colon"},
    ),
    "kvasir": (
        "kvasir",
        """
        Kvasir-SEG/images/cju0.jpg | test colon 1 | Kvasir-SEG/masks/cju0.jpg
        Kvasir-SEG/images/cju1.jpg | test colon 1 | Kvasir-SEG/masks/cju1.jpg
        Kvasir-SEG/kavsir_bboxes.json
        """,
        {"colon": "colon"},
    ),
}  # fmt: skip


def add_tables(root):
    """Write the CSV files of HeadCT and VisA, if the folder has their images."""
    if (root / "head_ct").exists():
        (root / "labels.csv").write_text("id, hemorrhage\n0,1\n1,1\n100,0\n")
    if (root / "candle").exists():
        rows = ["object,split,label,image,mask"]
        for image in sorted(root.glob("*/Data/Images/*/*.JPG")):
            name, label = image.parts[-5], image.parent.name.lower()
            mask = f"{name}/Data/Masks/Anomaly/{image.stem}.png" if label == "anomaly" else ""
            split = "train" if image.stem == "0000" else "test"
            rows.append(f"{name},{split},{label},{relative(image, root)},{mask}")
        (root / "split_csv").mkdir()
        (root / "split_csv" / "1cls.csv").write_text("\n".join(rows) + "\n")
